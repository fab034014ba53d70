//go:build linux

package service

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/process"
)

// DefaultDir is where the lab lies unless YSTACK_LAB says otherwise: outside
// of every checkout, so that all of them find the same one.
const DefaultDir = "/var/lib/ystack-lab"

// Lab is the directory that everything of the lab lives in.
type Lab struct {
	Dir  string    // absolute
	Repo string    // the checkout whose sources are compiled; empty outside of one
	Out  io.Writer // progress, one line at a time

	mu sync.Mutex
}

// Bin is a program that the lab has compiled.
func (l *Lab) Bin(name string) string { return filepath.Join(l.Dir, "bin", name) }

// Cache is for downloads; like Bin it outlives down --wipe.
func (l *Lab) Cache(name string) string { return filepath.Join(l.Dir, "cache", name) }

// Tree is a file of the packages that are unpacked instead of installed.
func (l *Lab) Tree(name string) string { return filepath.Join(l.Cache("tree"), name) }

// Etc is for configuration, certificates and kubeconfigs.
func (l *Lab) Etc(name string) string { return filepath.Join(l.Dir, "etc", name) }

// State is for what a server remembers.
func (l *Lab) State(name string) string { return filepath.Join(l.Dir, "state", name) }

// Run is for what means nothing once the lab is down.
func (l *Lab) Run(name string) string { return filepath.Join(l.Dir, "run", name) }

// Log is the log file of a service.
func (l *Lab) Log(name string) string { return filepath.Join(l.Dir, "log", name+".log") }

// Borrowed is the note of what is changed on the machine; see node.Borrow.
func (l *Lab) Borrowed() string { return l.State("borrowed.json") }

// Kubeconfig is the administrator's.
func (l *Lab) Kubeconfig() string { return l.Etc("kubeconfig") }

// Say prints a line of progress.
func (l *Lab) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.Out, format+"\n", args...)
}

// Record is what is known of the process of a service.
func (l *Lab) Record(name string) (process.Record, bool) { return process.Read(l.recordFile(name)) }

func (l *Lab) recordFile(name string) string { return l.Run(name + ".json") }

// Holder is the pid that keeps the node's namespaces.
func (l *Lab) Holder() (int, error) {
	r, _ := l.Record(NodeName)
	if !r.Alive() {
		return 0, fmt.Errorf("the lab's node does not run: go run ./lab up")
	}
	return r.PID, nil
}

// Inside is argv as run inside the node, in directory dir.
func (l *Lab) Inside(dir string, argv []string) ([]string, error) {
	return l.InsideOf(NodeName, dir, argv)
}

// InsideOf is argv as run in the namespaces of a service, in directory dir.
func (l *Lab) InsideOf(name, dir string, argv []string) ([]string, error) {
	r, _ := l.Record(name)
	if !r.Alive() {
		return nil, fmt.Errorf("the lab's %s does not run: go run ./lab up", name)
	}
	return node.Enter(r.PID, dir, argv), nil
}

// OverTree is argv as a program sees the machine when the tree's packages are
// installed, for those that look for their parts below /usr whatever they are
// told: it runs in a mount namespace where the layers and then the tree lie over /usr. What
// it mounts ends with it. Layers are directories like the tree's usr.
func (l *Lab) OverTree(layers []string, argv ...string) []string {
	const script = `mount -t overlay -o "lowerdir=$1" tree /usr; shift; exec "$@"`
	all := append(slices.Clone(layers), l.Tree("usr"), "/usr")
	return append([]string{
		"/usr/bin/env", "LD_LIBRARY_PATH=" + l.Tree("shared"), "XDG_CACHE_HOME=" + l.Cache("python"),
		"/usr/bin/unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-ec", script, "sh", strings.Join(all, ":"),
	}, argv...)
}

// Environ is what the lab's processes see of the environment: a program of
// the same name elsewhere on the machine, or its proxy settings, must not
// change what they do.
func (l *Lab) Environ() []string {
	return []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin:" + filepath.Join(l.Dir, "bin"), "HOME=/root", "LANG=C.UTF-8", "YSTACK_LAB=" + l.Dir}
}

// CgroupName is the name of Cgroup, for configuration files.
func (l *Lab) CgroupName() string { return node.CgroupName(l.Dir) }

// Cgroup is the control group that everything of the lab runs in.
func (l *Lab) Cgroup() (node.Cgroup, error) { return node.NewCgroup(l.Dir) }

// Open finds the lab that getenv names.
func Open(getenv func(string) string, out io.Writer) (*Lab, error) {
	dir := getenv("YSTACK_LAB")
	if dir == "" {
		dir = DefaultDir
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(dir, " \t\n\"'\\") { // it goes into a dozen formats, each with its own quoting
		return nil, fmt.Errorf("YSTACK_LAB=%q: choose a path without spaces and quotes", dir)
	}
	return &Lab{Dir: dir, Repo: checkout(), Out: out}, nil
}

// checkout is the directory at or above the working directory that holds the
// modules to compile.
func checkout() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "lab/build/kubernetes/go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}
