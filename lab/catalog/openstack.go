//go:build linux

package catalog

import (
	"cmp"
	"context"
	"os"
	"strconv"

	"github.com/ystackdev/ystack/lab/openstack"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// Where OpenStack's servers answer, on the machine as inside the node. A new
// one that the machine should reach goes into HostPorts too.
const (
	memcachedAddress = "127.0.0.1:11211" // inside only
	keystoneAddress  = "127.0.0.1:15050"
	glanceAddress    = "127.0.0.1:15092"
	placementAddress = "127.0.0.1:15778"
	neutronAddress   = "127.0.0.1:15696"
	novaAddress      = "127.0.0.1:15774"
	ironicAddress    = "127.0.0.1:15385"

	ironicImagesAddress = "127.0.0.1:15088" // inside only

	keystoneURL = "http://" + keystoneAddress + "/v3"
)

// component is one server of OpenStack, from Debian's packages: unpacked, its
// configuration below etc/NAME, its database and files below state/NAME.
type component struct {
	name     string
	kind     string // its type in Keystone's catalogue; empty for Keystone itself
	address  string
	path     string // of its URL there, if any
	health   string // the path that answers when it is well; /healthcheck if empty
	needs    []string
	packages []string
	files    map[string]string // NAME.conf and others, below etc/NAME; see database and authToken

	migrate func(*service.Lab) [][]string // what makes its database, once
	command func(*service.Lab) []string
	seed    func(context.Context, *service.Lab) error // after it is registered
}

// service is the lab's description of the component.
func (c component) service() *service.Service {
	s := &service.Service{
		Name:      c.name,
		Needs:     c.needs,
		Address:   "http://" + c.address,
		Tree:      c.packages,
		Packages:  map[string]string{"python3": "/usr/bin/python3"},
		Files:     map[string]string{},
		Configure: c.makeDatabase,
		Command:   c.command,
		Ready:     answers("http://" + c.address + cmp.Or(c.health, "/healthcheck")),
		Seed:      c.fill,
	}
	for name, text := range c.files {
		s.Files[c.name+"/"+name] = text
	}
	return s
}

// makeDatabase runs the migrations. Half of a database is of no use to them,
// so what an interrupted attempt has left is thrown away first.
func (c component) makeDatabase(ctx context.Context, l *service.Lab) error {
	done := l.State(c.name + "/migrated")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := os.RemoveAll(l.State(c.name)); err != nil {
		return err
	}
	if err := os.MkdirAll(l.State(c.name), 0o700); err != nil {
		return err
	}
	// Readers and a writer at once need the write-ahead log; it stays on.
	steps := append([][]string{sqlite(l, c.name, "PRAGMA journal_mode=WAL")}, c.migrate(l)...)
	for _, argv := range steps {
		if _, err := run(ctx, l, argv...); err != nil {
			return err
		}
	}
	return process.WriteFile(done, nil, 0o644)
}

// register enters the component into Keystone's catalogue.
func (c component) register(ctx context.Context, l *service.Lab) error {
	if c.kind == "" {
		return nil
	}
	return keystoneClient(l).Register(ctx, c.name, c.kind, "http://"+c.address+c.path)
}

// fill registers the component, and gives it content.
func (c component) fill(ctx context.Context, l *service.Lab) error {
	if err := c.register(ctx, l); err != nil || c.seed == nil {
		return err
	}
	return c.seed(ctx, l)
}

func keystoneClient(l *service.Lab) *openstack.Client {
	return &openstack.Client{URL: keystoneURL, Via: transport(l)}
}

// inTree is the command line of a program of the tree. It is not installed, so
// it must be told where its libraries lie.
func inTree(l *service.Lab, env []string, argv ...string) []string {
	head := []string{
		"/usr/bin/env",
		"PYTHONPATH=" + l.Tree("usr/lib/python3/dist-packages"),
		"LD_LIBRARY_PATH=" + l.Tree("shared"),
		"XDG_CACHE_HOME=" + l.Cache("python"),
	}
	return append(append(head, env...), argv...)
}

// python is a Python program of the tree. The interpreter is Debian's, since
// its libraries are compiled for that; another may come first in PATH.
func python(l *service.Lab, env []string, program string, args ...string) []string {
	return inTree(l, env, append([]string{"/usr/bin/python3", l.Tree("usr/bin/" + program)}, args...)...)
}

// uwsgi serves a WSGI program of the tree by so many processes with one thread
// each: threads that share a sqlite connection get in each other's way.
func uwsgi(l *service.Lab, processes int, env []string, address, program string) []string {
	return inTree(l, env, l.Tree("usr/bin/uwsgi-core"),
		"--plugins-dir", l.Tree("usr/lib/uwsgi/plugins"), "--plugin", "python3",
		"--http-socket", address, "--wsgi-file", l.Tree("usr/bin/"+program),
		"--master", "--processes", strconv.Itoa(processes), "--threads", "1", "--enable-threads", "--lazy-apps", "--thunder-lock",
		"--need-app", "--no-orphans", "--buffer-size", "65535", "--add-header", "Connection: close",
		// The body of a request is read whole: what is left of it when the answer is given would
		// have the kernel reset the connection, and the client may lose the answer.
		"--post-buffering", "65536",
		// An exception that nothing has caught is a 500, as under other servers, and not silence.
		"--catch-exceptions",
		"--hook-master-start", "unix_signal:15 gracefully_kill_them_all",
		// One line a request, made to be counted: TIME METHOD PATH STATUS MILLISECONDS
		"--log-format", "%(ltime) %(method) %(uri) %(status) %(msecs)ms")
}

// sqlite runs one statement on a component's database. Debian's Python brings
// all that takes.
func sqlite(l *service.Lab, name, statement string, args ...string) []string {
	const script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=30); c.execute(sys.argv[2], sys.argv[3:]); c.commit()"
	return append([]string{"/usr/bin/python3", "-c", script, database(l, name), statement}, args...)
}

func database(l *service.Lab, name string) string { return l.State(name + "/" + name + ".db") }
