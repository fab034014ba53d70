package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Rollback brings back an earlier revision: the one with the given number, or
// the one before the current if the number is 0. deploy.ErrNoRevision if there is none.
func (d *Deployer) Rollback(ctx context.Context, namespace, app string, to int64, dry DryRun) ([]RollbackResult, error) {
	deployments, err := d.deployments(ctx, namespace, app)
	if err != nil {
		return nil, err
	}
	// All are decided before the first is changed.
	steps := make([]step, len(deployments))
	for i := range deployments {
		if steps[i], err = d.planRollback(ctx, &deployments[i], to); err != nil {
			return nil, err
		}
	}
	var results []RollbackResult
	for _, s := range steps {
		result, err := d.rollBack(ctx, s, app, dry)
		if err != nil {
			return results, located(s.object, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// step is the rollback of one Deployment.
type step struct {
	object   Object
	from, to revision
}

func (d *Deployer) planRollback(ctx context.Context, deployment *unstructured.Unstructured, to int64) (step, error) {
	past, err := d.past(ctx, deployment)
	if err != nil {
		return step{}, err
	}
	s := step{object: Object{Unstructured: deployment, Live: deployment, Resource: resourceOf("apps", "deployments"), carriesImage: true}}
	for _, p := range past {
		if p.Current {
			s.from = p
		}
	}
	for _, p := range past {
		if to == 0 && !p.Current || to != 0 && p.Number == to {
			s.to = p
			return s, nil
		}
	}
	if to == 0 {
		return s, fmt.Errorf("%w: %s has had only one revision, so there is none to go back to", deploy.ErrNoRevision, s.object)
	}
	return s, fmt.Errorf("%w: %s has no revision %d; it has %s", deploy.ErrNoRevision, s.object, to, numbers(past))
}

func numbers(past []revision) string {
	var list []string
	for _, p := range past {
		n := fmt.Sprint(p.Number)
		if p.Current {
			n += " (current)"
		}
		list = append(list, n)
	}
	return strings.Join(list, ", ")
}

// rollBack writes an old pod template and its record into the Deployment, if
// that is still the one that was looked at.
func (d *Deployer) rollBack(ctx context.Context, s step, app string, dry DryRun) (RollbackResult, error) {
	result := RollbackResult{From: s.from.HistoryEntry, To: s.to.HistoryEntry, Action: deploy.Configured}
	if s.to.Current {
		result.Action = deploy.Unchanged
		result.Workload = workloadOf(s.object, s.object.Live)
		return result, nil
	}
	for attempt := range attempts {
		if err := checkOwner(s.object, app); err != nil {
			return result, err
		}
		live, err := d.patchBack(ctx, s, dry)
		if err == nil {
			result.Workload = workloadOf(s.object, live)
			return result, nil
		}
		if !apierrors.IsConflict(err) {
			return result, d.Client.Explain(err)
		}
		if err := deploy.Pause(ctx, time.Duration(attempt)*20*time.Millisecond); err != nil {
			return result, err
		}
		fresh, err := d.get(ctx, s.object)
		if err != nil {
			return result, err
		}
		if fresh == nil || fresh.GetUID() != s.object.Live.GetUID() || templateHash(fresh) != templateHash(s.object.Live) {
			return result, fmt.Errorf("somebody else changed it just now; look at the history and try again")
		}
		s.object.Live = fresh
	}
	return result, fmt.Errorf("it changes faster than it can be updated; tried %d times", attempts)
}

func (d *Deployer) patchBack(ctx context.Context, s step, dry DryRun) (*unstructured.Unstructured, error) {
	patch, err := rollbackPatch(s)
	if err != nil || dry == DryRunClient {
		return s.object.Live, err
	}
	options := metav1.PatchOptions{FieldManager: fieldManager}
	if dry == DryRunServer {
		options.DryRun = []string{metav1.DryRunAll}
	}
	o := s.object
	o.Live, err = d.at(o).Patch(ctx, o.GetName(), types.JSONPatchType, patch, options)
	if err != nil || dry != DryRunNone {
		return o.Live, err
	}
	rolledBack := o.Live
	// So that the next apply removes what this brought back and it does not
	// have. If it does not work out now, that apply makes up for it.
	if err := d.claim(ctx, &o); err != nil && !apierrors.IsConflict(err) {
		return nil, err
	}
	return rolledBack, nil
}

// rollbackPatch replaces the pod template and our annotations. "Replacing" the
// UID and the version makes the server refuse if they are others by now.
func rollbackPatch(s step) ([]byte, error) {
	template, ok, err := unstructured.NestedMap(s.to.set.Object, "spec", "template")
	if err != nil || !ok {
		return nil, fmt.Errorf("replicaset.apps/%s: %w", s.to.set.GetName(), errNoTemplate)
	}
	unstructured.RemoveNestedField(template, "metadata", "labels", labelHash)
	return json.Marshal([]object{
		{"op": "replace", "path": "/metadata/uid", "value": s.object.Live.GetUID()},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": s.object.Live.GetResourceVersion()},
		{"op": "replace", "path": "/metadata/annotations", "value": annotationsBack(s)},
		{"op": "replace", "path": "/spec/template", "value": template},
	})
}

// annotationsBack are the Deployment's annotations with our record of back then.
func annotationsBack(s step) map[string]string {
	annotations := map[string]string{}
	for key, value := range s.object.Live.GetAnnotations() {
		if !strings.HasPrefix(key, annotationPrefix) {
			annotations[key] = value
		}
	}
	for key, value := range s.to.set.GetAnnotations() {
		if strings.HasPrefix(key, annotationPrefix) {
			annotations[key] = value
		}
	}
	return annotations
}
