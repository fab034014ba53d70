package machine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// planPacker checks that tool, template and cloud have what it takes.
func (b *Builder) planPacker(ctx context.Context, p *Plan) error {
	if b.Session == nil {
		return errors.New("building with Packer needs a cloud: set spec.openstack.cloud of the Site file, or --os-cloud")
	}
	var err error
	if p.declared, err = declared(p.file(p.Packer.Template)); err != nil {
		return err
	}
	if _, err := p.variables(nil); err != nil {
		return err
	}
	if p.path, err = b.LookPath("packer"); err != nil {
		return fmt.Errorf("packer is not in PATH; install it (1.6 or newer, with its openstack builder)")
	}
	if p.Tool, err = version(ctx, "packer", p.path); err != nil {
		return err
	}
	if err := b.resolve(ctx, p); err != nil {
		return err
	}
	return p.sum(map[string]any{"template": p.Packer.Template, "variables": p.Packer.Variables, "user": b.Machine.SSHUser, "base": p.base.Digests, "id": p.base.ID})
}

var number = regexp.MustCompile(`[0-9]+\.[0-9][0-9.]*`)

func version(ctx context.Context, name, path string) (string, error) {
	out, err := build.Tool{Path: path, Args: []string{"--version"}, Env: []string{"CHECKPOINT_DISABLE=1"}}.Run(ctx)
	found := number.FindString(strings.Join(out, " "))
	if err != nil || found == "" {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("%s --version: %s", name, last(out, cmp.Or(err, fmt.Errorf("it says none"))))
	}
	return name + " " + found, nil
}

// resolve finds what the site names in the cloud: Packer wants ids, and says late and
// dimly what is not there.
func (b *Builder) resolve(ctx context.Context, p *Plan) (err error) {
	c := cloud{b.Session}
	if want := b.wanted(p, "flavor", b.Machine.Flavor); want != "" {
		if p.flavor, err = c.flavor(ctx, want); err != nil {
			return err
		}
	}
	if want := b.wanted(p, "network", b.Machine.Network); want != "" {
		if p.network, err = c.network(ctx, want); err != nil {
			return err
		}
	}
	want := b.wanted(p, "source_image", b.Machine.SourceImage)
	if want == "" {
		return nil
	}
	r := b.glance()
	r.Name = want
	s, err := b.Open(r)
	if err != nil {
		return err
	}
	if p.base, err = s.Stat(ctx, r); err != nil {
		return fmt.Errorf("the image to start from (spec.openstack.build.sourceImage of the Site file): %w", err)
	}
	p.Base = want + " " + p.base.ID
	return nil
}

// wanted is what the template is to get for a variable: the application's own value
// counts more than the site's.
func (b *Builder) wanted(p *Plan, name, site string) string {
	if !p.declared[name] {
		return ""
	}
	return cmp.Or(p.Packer.Variables[name], site)
}

// runPacker makes the image in Glance and returns its id.
func (b *Builder) runPacker(ctx context.Context, p *Plan, n *note) (string, error) {
	private, public, err := newKey(n.Key)
	if err != nil {
		return "", err
	}
	keyFile := filepath.Join(n.Work, "key")
	if err := os.WriteFile(keyFile, private, 0o600); err != nil {
		return "", err
	}
	if err := (cloud{b.Session}).addKey(ctx, n.Key, public); err != nil {
		return "", err
	}
	file, err := b.writeVariables(p, n, keyFile)
	if err != nil {
		return "", err
	}
	told, err := b.listen(ctx, n, build.Tool{
		Path: p.path, Dir: p.root,
		Args: []string{"build", "-machine-readable", "-color=false", "-on-error=cleanup", "-var-file=" + file, p.file(p.Packer.Template)},
		Env:  []string{"CHECKPOINT_DISABLE=1", "PACKER_CACHE_DIR=" + filepath.Join(n.Work, "cache"), mark + "=" + n.Work},
	})
	if err != nil {
		return "", err
	}
	if told.image == "" {
		return "", fmt.Errorf("packer ended well and made no image in Glance; is there an openstack builder in %s?", p.Packer.Template)
	}
	return told.image, nil
}

// writeVariables leaves a file with the variables, that nobody else can read.
func (b *Builder) writeVariables(p *Plan, n *note, keyFile string) (string, error) {
	given, err := p.variables(map[string]any{
		"cloud": b.Cloud, "flavor": p.flavor, "network": p.network, "source_image": p.base.ID,
		"image_name": n.Name, "application": p.App, "revision": p.Revision.String(),
		"directory": p.Dir, "work_directory": n.Work,
		"ssh_username": b.Machine.SSHUser, "ssh_keypair_name": n.Key, "ssh_private_key_file": keyFile,
	})
	if err != nil {
		return "", err
	}
	for name, id := range map[string]string{"flavor": p.flavor, "network": p.network, "source_image": p.base.ID} {
		if id != "" { // the application's own value is a name, too
			given[name] = id
		}
	}
	data, err := json.Marshal(given)
	if err != nil {
		return "", err
	}
	// Both of Packer's formats know this ending.
	file := filepath.Join(n.Work, "ystack.pkrvars.json")
	if strings.HasSuffix(p.Packer.Template, ".json") {
		file = filepath.Join(n.Work, "ystack.json")
	}
	return file, os.WriteFile(file, data, 0o600)
}

// listen runs Packer, and makes notes, progress and a log of what it says.
func (b *Builder) listen(ctx context.Context, n *note, tool build.Tool) (*story, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	told, watched := &story{}, &watch{}
	tool.Log = lineWriter(func(line string) {
		m, ok := parseMessage(line)
		if !ok {
			fmt.Fprintln(b.Log, line)
			return
		}
		if told.hear(m) {
			n.Server, n.Image = told.server, told.image
			_ = n.write() // by its name too it will be found
			watched.server(ctx, cloud{b.Session}, n.Server)
			watched.image(ctx, cloud{b.Session}, n.Image, stop)
		}
		if kind, text := m.said(); text != "" {
			fmt.Fprintln(b.Log, text)
			if kind == "say" {
				b.Report("packer", text)
			}
		}
	})
	tail, err := tool.Run(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil:
		return told, nil
	}
	reason := cmp.Or(told.reason(), plainLine(tail), err.Error())
	if fault := watched.fault(); fault != "" {
		reason += " (Nova: " + fault + ")"
	}
	return nil, fmt.Errorf("packer: %s", reason)
}

// plainLine is the last thing that Packer said outside of its format.
func plainLine(tail []string) string {
	for i := len(tail) - 1; i >= 0; i-- {
		if m, ok := parseMessage(tail[i]); !ok {
			return tail[i]
		} else if _, text := m.said(); text != "" {
			return text
		}
	}
	return ""
}

// watch asks the cloud how the server and the image are that Packer waits for. Of a server
// Packer says that it failed, and removes it; Nova would say why. For an image that will
// never be whole it waits for ever.
type watch struct {
	mu     sync.Mutex
	known  map[string]bool // ids that are being watched
	reason string
}

// first tells whether an id is new.
func (w *watch) first(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == "" || w.known[id] {
		return false
	}
	if w.known == nil {
		w.known = map[string]bool{}
	}
	w.known[id] = true
	return true
}

func (w *watch) server(ctx context.Context, c cloud, id string) {
	if !w.first(id) {
		return
	}
	go func() {
		for tick(ctx) {
			s, err := c.server(ctx, id)
			if gone(err) || s.Status == "ACTIVE" {
				return
			}
			if err == nil && s.Status == "ERROR" {
				w.mu.Lock()
				w.reason = s.Fault.Message
				w.mu.Unlock()
				return
			}
		}
	}()
}

func (w *watch) image(ctx context.Context, c cloud, id string, stop context.CancelCauseFunc) {
	if !w.first(id) {
		return
	}
	go func() {
		for tick(ctx) {
			i, err := c.image(ctx, id)
			switch {
			case gone(err):
				stop(fmt.Errorf("image %s was deleted while Packer waited for it", id))
			case err != nil || i.Status == "queued" || i.Status == "saving":
				continue
			case i.Status != store.Active:
				stop(fmt.Errorf("image %s is %s, and will not become usable by waiting", id, i.Status))
			}
			return
		}
	}()
}

// tick waits for a second; it is false at the end of ctx.
func tick(ctx context.Context) bool {
	select {
	case <-time.After(time.Second):
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *watch) fault() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

// lineWriter gets whole lines, one in each call.
type lineWriter func(string)

func (w lineWriter) Write(p []byte) (int, error) {
	w(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// adopt finds the image of a build of the same inputs that was killed after Packer had
// asked for the snapshot: that goes on without it.
func (b *Builder) adopt(ctx context.Context, p *Plan, n *note) string {
	if n.Image == "" || n.Inputs != p.Inputs || n.Cloud != b.Cloud {
		return ""
	}
	i, err := cloud{b.Session}.image(ctx, n.Image)
	// Nova lets it be queued while it gets the disk ready. It was killed in the middle of
	// that if nothing comes.
	for limit := b.Now().Add(snapshotLimit); err == nil && i.Status == "queued" && b.Now().Before(limit) && tick(ctx); {
		i, err = cloud{b.Session}.image(ctx, n.Image)
	}
	if err != nil || i.Status != store.Active && i.Status != "saving" {
		return ""
	}
	return n.Image
}

// snapshotLimit is for Nova to begin to upload a disk.
const snapshotLimit = 5 * time.Minute
