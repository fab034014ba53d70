package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
)

// errSourceChanged: what was built is not what was hashed.
var errSourceChanged = errors.New("files changed while the image was being built, so it is not known what it contains; run again")

// build makes the image, unless one of the same inputs is in the registry or
// was left in the builder's store by a run that was killed.
func (c *Container) build(ctx context.Context, w work, lock *os.File) (result, error) {
	if c.published != "" {
		return result{message: "nothing to build: these inputs made " + short(c.published)}, nil
	}
	if id := c.builtBefore(ctx); id != "" {
		c.imageID = id
		return result{"built before: " + short(id), map[string]string{"image": id}}, nil
	}
	version, err := c.Builder.Version(ctx)
	if err != nil {
		return result{}, err
	}
	tool := c.Builder.Name() + " " + version
	w.progress("with " + tool)
	req := c.request()
	req.Labels, req.Annotations = map[string]string{labelInputs: c.inputs}, c.annotations()
	req.Created = c.Revision.Time
	req.Log = w.log
	req.Inherit = []*os.File{lock}
	if err := os.RemoveAll(c.imageDir); err != nil { // what a killed build left
		return result{}, err
	}
	if c.imageID, err = c.Builder.Build(ctx, req); err != nil {
		return result{}, err
	}
	if after, err := build.Inputs(c.request()); err != nil || after != c.inputs {
		return result{}, errors.Join(errSourceChanged, err)
	}
	return result{
		fmt.Sprintf("%s with %s", short(c.imageID), tool),
		map[string]string{"image": c.imageID, "builder": tool},
	}, nil
}

// builtBefore is the image that the run before this one built of the same
// inputs, if the builder still has it.
func (c *Container) builtBefore(ctx context.Context) string {
	if c.prior == nil || c.prior.Inputs != c.inputs || c.prior.Revision != c.Revision.String() {
		return ""
	}
	id := c.prior.Output("build", "image")
	if id == "" {
		return ""
	}
	if has, err := c.Builder.Has(ctx, id); err != nil || !has {
		return "" // building again is always right
	}
	return id
}

func (c *Container) annotations() map[string]string {
	l := map[string]string{
		labelApp: c.App.Metadata.Name, labelRevision: c.Revision.String(), labelTarget: "container",
		"org.opencontainers.image.title":    c.App.Metadata.Name,
		"org.opencontainers.image.revision": c.Revision.String(),
	}
	if c.Revision.Remote != "" {
		l["org.opencontainers.image.source"] = c.Revision.Remote
	}
	return l
}

// publish pushes the image under the revision's tag. A run that was killed
// after the push and before the record of it finds the image there.
func (c *Container) publish(ctx context.Context, w work, lock *os.File) (result, error) {
	digest, labels, err := c.Registry.Labels(ctx, c.tagged())
	if err != nil && !errors.Is(err, image.ErrNotFound) {
		return result{}, err
	}
	how := "is there already as"
	switch {
	case err == nil && labels[labelInputs] == c.inputs:
	case c.published != "":
		how, digest = "tagged", c.published
		err = c.Registry.Tag(ctx, c.repository()+"@"+digest, c.Revision.String())
	default:
		how = "pushed"
		digest, err = c.push(ctx, w, lock)
	}
	if err != nil && how != "is there already as" {
		return result{}, err
	}
	c.digest = digest
	if err := os.RemoveAll(c.imageDir); err != nil { // the registry has it now
		return result{}, err
	}
	return result{
		fmt.Sprintf("%s %s (%s)", how, c.tagged(), short(digest)),
		map[string]string{"digest": digest, "image": c.repository() + "@" + digest, "tag": c.tagged()},
	}, nil
}

// push uploads the image and compares what the registry has with what was sent.
func (c *Container) push(ctx context.Context, w work, lock *os.File) (string, error) {
	digest, err := c.Builder.Push(ctx, c.imageID, c.tagged(), build.PushRequest{
		Insecure: c.Site.Spec.Registries.Insecure, Log: w.log, Inherit: []*os.File{lock},
	})
	if err != nil {
		return "", err
	}
	has, err := c.Registry.Digest(ctx, c.tagged())
	if err != nil {
		return "", err
	}
	if has != digest {
		return "", fmt.Errorf("%s has digest %s after a push of %s: somebody else pushed the same tag; run again", c.tagged(), has, digest)
	}
	return digest, nil
}

// deploy applies the image by digest and waits until it runs everywhere.
func (c *Container) deploy(ctx context.Context, w work, run string) (result, error) {
	r := c.release(c.digest)
	r.Run = run
	return deploy(ctx, c.Deployer, r, w, func() { c.boundary("deploy:applied") })
}

func deploy(ctx context.Context, d *kubernetes.Deployer, r kubernetes.Release, w work, applied func()) (result, error) {
	plan, err := d.Plan(ctx, r)
	if err != nil {
		return result{}, err
	}
	done, err := d.Apply(ctx, plan, kubernetes.DryRunNone)
	for _, ch := range done.Changes {
		w.progress(fmt.Sprintf("%s %s", ch.Object, ch.Action))
	}
	if err != nil {
		return result{}, err
	}
	applied()
	ready, err := wait(ctx, d, done.Workloads, w)
	if err != nil {
		return result{}, err
	}
	return result{ready, map[string]string{"image": r.Image, "namespace": plan.Namespace}}, nil
}

// wait follows the rollout and returns how it stands at the end.
func wait(ctx context.Context, d *kubernetes.Deployer, workloads []kubernetes.Workload, w work) (string, error) {
	var last kubernetes.Status
	err := d.Wait(ctx, workloads, func(s kubernetes.Status) {
		last = s
		w.progress(statusLine(s), items(s)...)
	})
	return statusLine(last), err
}

func statusLine(s kubernetes.Status) string {
	line := fmt.Sprintf("%s: %d/%d ready", s.Object, newReady(s), s.Desired)
	if s.Old > 0 {
		line += fmt.Sprintf(", %d of the old revision left", s.Old)
	}
	if s.Note != "" {
		line += " (" + s.Note + ")"
	}
	return line
}

// newReady counts the ready replicas of the new revision. The workload's own
// totals include the old ones; they serve where the pods may not be seen.
func newReady(s kubernetes.Status) int32 {
	if len(s.Replicas) == 0 {
		return min(s.Updated, max(0, s.Available-s.Old))
	}
	var n int32
	for _, r := range s.Replicas {
		if r.Phase == kubernetes.Ready {
			n++
		}
	}
	return n
}

func items(s kubernetes.Status) []Item {
	list := make([]Item, len(s.Replicas))
	for i, r := range s.Replicas {
		list[i] = Item{"pod/" + r.Pod, string(r.Phase), r.Message}
	}
	return list
}

// verify fetches the application's health path the way a user's request would
// come: through its Service.
func verify(ctx context.Context, d *kubernetes.Deployer, r kubernetes.Release) (result, error) {
	check, err := d.Check(ctx, r)
	if err != nil {
		return result{}, err
	}
	switch check.Outcome {
	case kubernetes.Answered:
		if check.Status < 200 || check.Status > 399 {
			return result{}, fmt.Errorf("GET %s answered %d: %s", check.Path, check.Status, firstLine(check.Body))
		}
		return result{message: fmt.Sprintf("GET %s answered %d", check.Path, check.Status)}, nil
	case kubernetes.NoEndpoints, kubernetes.NoAnswer:
		return result{}, fmt.Errorf("GET %s through the Service: %s: %s", check.Path, check.Outcome, check.Detail)
	}
	return result{message: "not asked: " + string(check.Outcome)}, nil
}

func firstLine(b []byte) string {
	for i, c := range b {
		if c == '\n' {
			return string(b[:i])
		}
	}
	return string(b)
}
