//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ystackdev/ystack/pkg/image/artifactorytest"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
)

const labGlance = "http://127.0.0.1:15092"

// imageSession gives a script about images a Site file with an Artifactory of its own, and
// deletes what it leaves in Glance.
func imageSession(e *testscript.Env, name string) error {
	server := artifactorytest.New(e.WorkDir+"/.artifactory", "images")
	server.Token = "sesame"
	if err := os.Mkdir(e.WorkDir+"/.artifactory", 0o700); err != nil {
		return err
	}
	listener := httptest.NewServer(server)
	e.Defer(listener.Close)
	e.Defer(func() { deleteImages(name) })
	at, err := url.Parse(listener.URL)
	if err != nil {
		return err
	}
	openstackclient, err := filepath.Abs("../openstackclient")
	if err != nil {
		return err
	}
	for k, v := range map[string]string{
		"ARTIFACTORY": at.Host, "ARTIFACTORY_TOKEN": "sesame", "YSTACK_SITE": e.WorkDir + "/site.yaml", "OPENSTACKCLIENT": openstackclient,
		"OS_CLIENT_CONFIG_FILE": os.Getenv("YSTACK_LAB") + "/etc/clouds.yaml",
	} {
		e.Setenv(k, v)
	}
	return os.WriteFile(e.WorkDir+"/site.yaml", []byte(`apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: e2e}
spec:
  openstack: {cloud: lab-alice}
  registries: {push: 127.0.0.1:15000/`+name+`}
  archive: {artifactory: {url: '`+listener.URL+`/artifactory', repository: images, tokenEnv: ARTIFACTORY_TOKEN}}
`), 0o600)
}

// deleteImages removes the images of alice's project whose names begin so.
func deleteImages(prefix string) {
	out, _ := exec.Command("openstack", "--os-cloud", "lab-alice", "image", "list", "-f", "value", "-c", "ID", "-c", "Name").Output()
	for _, line := range strings.Split(string(out), "\n") {
		if id, name, _ := strings.Cut(line, " "); strings.HasPrefix(name, prefix) {
			_ = exec.Command("openstack", "--os-cloud", "lab-alice", "image", "delete", id).Run()
		}
	}
}

// tap stands before the lab's Glance and stops downloads in the middle until it is opened.
type tap struct {
	address string
	after   int64
	open    chan struct{}
	once    sync.Once
	ranges  chan string // of downloads
}

func newTap(t *testing.T, after int64) *tap {
	t.Helper()
	target, err := url.Parse(labGlance)
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{after: after, open: make(chan struct{}), ranges: make(chan string, 100)}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && strings.HasSuffix(r.Request.URL.Path, "/file") {
			p.ranges <- r.Request.Header.Get("Range")
			r.Body = &tapped{r.Body, p, 0}
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	t.Cleanup(p.release)
	p.address = server.URL
	return p
}

func (p *tap) release() { p.once.Do(func() { close(p.open) }) }

type tapped struct {
	io.ReadCloser
	tap *tap
	at  int64
}

func (r *tapped) Read(b []byte) (int, error) {
	if r.at >= r.tap.after {
		<-r.tap.open
	}
	n, err := r.ReadCloser.Read(b)
	r.at += int64(n)
	return n, err
}

// TestImageCopyKilled ends a copy with kill -9 when every destination has got a part. No
// destination has an image then, and the same command again brings all to their end.
func TestImageCopyKilled(t *testing.T) {
	needLab(t)
	name := "e2e-" + random()
	t.Cleanup(func() { deleteImages(name) })
	dir := t.TempDir()
	data := make([]byte, 40<<20)
	_, _ = rand.Read(data)
	if err := os.WriteFile(filepath.Join(dir, "disk.raw"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newTap(t, 25<<20)
	clouds := fmt.Sprintf(`clouds:
  lab:
    auth: {auth_url: '%s/v3', username: alice, password: secret-of-alice, user_domain_name: Default, project_name: team-a, project_domain_name: Default}
  slow:
    auth: {auth_url: '%s/v3', username: alice, password: secret-of-alice, user_domain_name: Default, project_name: team-a, project_domain_name: Default}
    image_endpoint_override: '%s'
`, labKeystone, labKeystone, p.address)
	if err := os.WriteFile(filepath.Join(dir, "clouds.yaml"), []byte(clouds), 0o600); err != nil {
		t.Fatal(err)
	}
	ystack := func(args ...string) *exec.Cmd {
		cmd := exec.Command("openstack-ystack", append([]string{"image"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "OS_CLIENT_CONFIG_FILE="+filepath.Join(dir, "clouds.yaml"), "YSTACK_SITE=", "XDG_STATE_HOME="+dir, "OS_CLOUD=")
		return cmd
	}
	source, there := "glance://slow/"+name+"-source", "glance://lab/"+name+"-copy"
	artifact := "oci://" + registrytest.Start(t) + "/" + name + "/disk:1"
	if out, err := ystack("copy", "file:disk.raw", source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"copy", source, there, artifact, "file:back.raw", "-f", "value", "-c", "Result"}
	cmd := ystack(args...)
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		found, err := filepath.Glob(filepath.Join(dir, ".back.raw.*.partial"))
		if err != nil || len(found) != 1 {
			text, _ := os.ReadFile(said.Name())
			return fmt.Errorf("no file has begun: %v, %w\n%s", found, err, text)
		}
		if info, err := os.Stat(found[0]); err != nil || info.Size() < 6<<20 {
			return fmt.Errorf("%v, %w", info, err)
		}
		return nil
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, ref := range []string{there, artifact, "file:back.raw"} {
		if out, err := ystack("show", ref).CombinedOutput(); err == nil {
			t.Errorf("%s is there:\n%s", ref, out)
		}
	}
	p.release()
	again := ystack(args...)
	again.Stderr = said
	if out, err := again.Output(); err != nil || string(out) != "copied\ncopied\ncopied\n" {
		text, _ := os.ReadFile(said.Name())
		t.Fatalf("%v\n%s%s", err, out, text)
	}
	if out, err := ystack("verify", there, artifact, "file:back.raw", "-f", "value", "-c", "SHA256").Output(); err != nil || len(distinct(string(out))) != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	back, err := os.ReadFile(filepath.Join(dir, "back.raw"))
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("other content came back: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".back*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if out := statuses(t, name+"-copy"); out != "active" {
		t.Errorf("in Glance: %s", out)
	}
}

func distinct(lines string) map[string]bool {
	all := map[string]bool{}
	for _, line := range strings.Fields(lines) {
		all[line] = true
	}
	return all
}

// statuses are those of all images with a name, as the openstack client sees them.
func statuses(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "openstack", "--os-cloud", "lab-alice", "image", "list", "--name", name, "-f", "value", "-c", "Status")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
