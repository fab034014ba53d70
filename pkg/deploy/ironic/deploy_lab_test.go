package ironic

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

func TestLabDeploy(t *testing.T) {
	c := newCloud(t, 4)
	target := c.target(2)
	if _, err := target.History(t.Context()); !errors.Is(err, deploy.ErrNotDeployed) {
		t.Errorf("history of nothing: %v", err)
	}
	one, two := c.release("one"), c.release("two")
	if got := changes(c.plan(target, deploy.Release{App: c.name})); strings.Count(got, "created") != 2 {
		t.Errorf("without an image: %s", got)
	}
	c.apply(target, one)
	if got := c.running(2); got != "one one" {
		t.Errorf("running %s", got)
	}
	c.onRequest(nil)
	if got := changes(c.apply(target, one)); got != "" {
		t.Errorf("the same again: %s", got)
	}
	if n := c.count("PUT", "/provision") + c.count("PATCH", ""); n != 0 {
		t.Errorf("the same again changed %d things", n)
	}
	c.apply(c.target(3), two)
	if got := c.running(3); got != "two two two" {
		t.Errorf("running %s", got)
	}
	back, err := target.Rollback(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Apply(t.Context(), c.log); err != nil {
		t.Fatal(err)
	}
	if got := c.running(3); got != "one one -" {
		t.Errorf("after the rollback: running %s", got)
	}
	entries, err := target.History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var history []string
	for _, e := range entries {
		history = append(history, fmt.Sprintf("%d %s %s %t", e.Number, e.Revision, e.State, e.Current))
		if e.Deployed.IsZero() || e.By != "tester" || e.Image == "" || e.SHA256 != "" && len(e.SHA256) != 64 {
			t.Errorf("incomplete: %+v", e)
		}
	}
	if got := strings.Join(history, ", "); got != "3 one ready true, 2 two superseded false, 1 one superseded false" {
		t.Errorf("history: %s", got)
	}
	if _, err := target.Rollback(t.Context(), 9); !errors.Is(err, deploy.ErrNoRevision) {
		t.Errorf("rollback to 9: %v", err)
	}
	c.apply(c.target(0), one)
	for name := range c.nodes() {
		n := c.settle(name)
		for key := range n.InstanceInfo {
			t.Errorf("%s, which is free, has %s", n, key)
		}
		if n.Instance != "" {
			t.Errorf("%s still belongs to %s", n, n.Instance)
		}
	}
}

// TestLabKernel: an image without a boot loader brings kernel and ramdisk, which Ironic
// asks Glance for when it rebuilds.
func TestLabKernel(t *testing.T) {
	c := newCloud(t, 1)
	c.release("kernel")
	c.release("ramdisk")
	one := c.release("one")
	id := c.images[2]
	data, err := json.Marshal([]map[string]any{
		{"op": "add", "path": "/ystack_kernel", "value": c.images[0]}, {"op": "add", "path": "/ystack_ramdisk", "value": c.images[1]},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.call("image", "PATCH", "/v2/images/"+id, string(data), nil)
	c.apply(c.target(1), one)
	info := c.nodes()[c.name+"-0"].InstanceInfo
	if info["kernel"] != c.images[0] || info["ramdisk"] != c.images[1] || info["root_gb"] != "99" || info["image_source"] != id {
		t.Errorf("the node has %v", info)
	}
	var now map[string]any
	c.call("image", "GET", "/v2/images/"+id, nil, &now)
	if now["kernel_id"] != c.images[0] || now["ramdisk_id"] != c.images[1] {
		t.Errorf("the image has %v", now)
	}
	c.apply(c.target(1), c.release("two"))
	info = c.nodes()[c.name+"-0"].InstanceInfo
	if info["kernel"] != nil || info["ramdisk"] != nil || info["root_gb"] != nil || info["image_source"] != c.images[3] {
		t.Errorf("rebuilt, the node has %v", info)
	}
}

// TestLabReplaced: nodes that do not fit any more go, and others come.
func TestLabReplaced(t *testing.T) {
	c := newCloud(t, 2)
	one := c.release("one")
	c.apply(c.target(1), one)
	was := ""
	for name, n := range c.nodes() {
		if n.Instance == "" {
			c.call("baremetal", "PUT", "/v1/nodes/"+name+"/traits", map[string]any{"traits": []string{"CUSTOM_SSD"}}, nil)
		} else {
			was = name
		}
	}
	target := c.target(1, func(b *app.BaremetalDeploy, _ *app.Health) { b.Traits = []string{"CUSTOM_SSD"} })
	if got := changes(c.plan(target, one)); got != "deleted node/"+was+", created node/ystack-"+c.name+"-0" {
		t.Errorf("%s", got)
	}
	c.apply(target, one)
	if n := c.settle(was); n.Instance != "" || c.running(1) != "one" {
		t.Errorf("%s belongs to %q; running %s", was, n.Instance, c.running(1))
	}
}
