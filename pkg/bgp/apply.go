package bgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Try lets the server say whether it would take all of it, changing nothing.
func (c *Cluster) Try(ctx context.Context, p *Plan) error {
	for _, peer := range p.Peers {
		if err := c.createPeer(ctx, peer.object, p.after, true); err != nil {
			return err
		}
	}
	for _, m := range p.Marks {
		if err := c.annotate(ctx, m, true); err != nil {
			return err
		}
	}
	if len(p.Changes) == 0 && p.after.String() == p.config.object.GetAnnotations()[RecordAnnotation] {
		return nil
	}
	predicted, err := c.writeConfig(ctx, p.config.with(p.Changes, p.after), true)
	if apierrors.IsConflict(err) {
		return nil // somebody was faster; Apply begins anew
	}
	if err != nil {
		return c.client.Explain(err)
	}
	if !predicted.kept(p.Changes) {
		return &failure{ErrOldCalico, fmt.Sprintf("the cluster's definition of BGPConfiguration does not know %s and would drop it: "+
			"Calico's CRDs are too old; upgrade Calico, with its CRDs", p.Changes[0].List)}
	}
	return nil
}

// Apply changes the cluster: first the peers, which must speak with the nodes
// within wait, or nothing is changed; then what is meant, then what is announced.
func (c *Cluster) Apply(ctx context.Context, p *Plan, wait time.Duration) error {
	if err := c.Try(ctx, p); err != nil {
		return err
	}
	for _, peer := range p.Peers {
		if err := c.addPeer(ctx, peer, p, wait); err != nil {
			return err
		}
	}
	for _, m := range p.Marks {
		if err := c.annotate(ctx, m, false); err != nil {
			return err
		}
	}
	return c.settle(ctx, p)
}

// settleAttempts bound how often somebody else may be faster.
const settleAttempts = 20

// settle writes the lists. Each attempt reads all anew, the configuration
// before the Services: so nothing is taken for unwanted that another run has
// just added.
func (c *Cluster) settle(ctx context.Context, p *Plan) error {
	for attempt := 1; ; attempt++ {
		err := c.settleOnce(ctx, p)
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return c.client.Explain(err)
		}
		if attempt == settleAttempts {
			return fmt.Errorf("BGPConfiguration %q is being changed all the time by somebody else, who won %d times; the same command again goes on: %w",
				configName, attempt, c.client.Explain(err))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(rand.IntN(50*attempt)) * time.Millisecond):
		}
	}
}

func (c *Cluster) settleOnce(ctx context.Context, p *Plan) error {
	var err error
	if p.config, err = c.readConfig(ctx); err != nil {
		return err
	}
	services, err := list[Service](ctx, c.client, servicesPath(""), "")
	if err != nil {
		return err
	}
	// The marks are on the Services by now; one re-created meanwhile has none.
	own, err := p.config.record()
	if err != nil {
		return err
	}
	wanted, _ := want(services, own, p.rangesAfter(own), p.services)
	p.Changes, p.after = plan(p.config.all(), own, wanted)
	if err := c.ensureFilter(ctx, p.after, false, false); err != nil && !errors.Is(err, kube.ErrNotFound) {
		return err
	}
	if len(p.Changes) == 0 && p.after.String() == p.config.object.GetAnnotations()[RecordAnnotation] {
		return nil
	}
	_, err = c.writeConfig(ctx, p.config.with(p.Changes, p.after), false)
	return err
}

// annotate writes what is meant for a Service, if it is still the one that was read.
func (c *Cluster) annotate(ctx context.Context, m Mark, dry bool) error {
	var value any
	if m.After != "" {
		value = m.After
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": m.uid, "annotations": map[string]any{Annotation: value},
	}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: manager}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	namespace, name, _ := strings.Cut(m.Service, "/")
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	_, err = c.client.Dynamic.Resource(services).Namespace(namespace).Patch(ctx, name, types.MergePatchType, patch, options)
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "metadata.uid") {
		return &failure{kube.ErrConflict, fmt.Sprintf("service %s has been replaced by another one meanwhile; run the command again", m.Service)}
	}
	return c.client.Explain(err)
}
