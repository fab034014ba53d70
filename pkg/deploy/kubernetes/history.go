package kubernetes

import (
	"context"
	"slices"
	"sort"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// History lists the revisions of the application's Deployments, by Deployment,
// newest first. ErrNotDeployed if there is none.
func (d *Deployer) History(ctx context.Context, namespace, app string) ([]HistoryEntry, error) {
	deployments, err := d.deployments(ctx, namespace, app)
	if err != nil {
		return nil, err
	}
	var entries []HistoryEntry
	for i := range deployments {
		past, err := d.past(ctx, &deployments[i])
		if err != nil {
			return nil, err
		}
		for _, p := range past {
			entries = append(entries, p.HistoryEntry)
		}
	}
	return entries, nil
}

// revision is a HistoryEntry and what it was read from.
type revision struct {
	HistoryEntry
	set *unstructured.Unstructured
}

// past lists the revisions of a Deployment, newest first.
func (d *Deployer) past(ctx context.Context, deployment *unstructured.Unstructured) ([]revision, error) {
	r := decode[rollout](deployment)
	r.Kind = deployment.GetKind()
	sets, err := d.in(resourceOf("apps", "replicasets"), r.Namespace).
		List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&r.Spec.Selector)})
	if err != nil {
		return nil, d.Client.Explain(err)
	}
	var revisions []revision
	for i := range sets.Items {
		if set := &sets.Items[i]; controlledBy(set.GetOwnerReferences(), r.UID) {
			revisions = append(revisions, revision{entry(r, set), set})
		}
	}
	sort.Slice(revisions, func(i, j int) bool { return revisions[i].Number > revisions[j].Number })
	return revisions, nil
}

func entry(r *rollout, set *unstructured.Unstructured) HistoryEntry {
	annotations := set.GetAnnotations()
	number, _ := strconv.ParseInt(annotations[annotationNumber], 10, 64)
	e := HistoryEntry{Deployment: r.Name, Entry: deploy.Entry{
		Release: deploy.Release{
			App:      set.GetLabels()[labelInstance],
			Revision: annotations[annotationRevision],
			Image:    annotations[annotationImage],
			Deployed: set.GetCreationTimestamp().Time,
			By:       annotations[annotationBy],
			Run:      annotations[annotationRun],
			Source:   annotations[annotationSource],
		},
		Number:  number,
		Current: annotations[annotationNumber] == r.Annotations[annotationNumber],
		State:   deploy.StateSuperseded,
	}}
	if images := images(set); len(images) > 0 && !slices.Contains(images, e.Image) {
		// Somebody set another image by hand. The record stayed as it was: it is not of this one.
		e.Image, e.Revision, e.By, e.Run, e.Source = images[0], "", "", "", ""
	}
	if e.Current {
		e.State = r.state()
	}
	return e
}

func (r *rollout) state() string {
	switch {
	case r.done():
		return deploy.StateReady
	case find(r.Status.Conditions, "Progressing").Status == "False", find(r.Status.Conditions, "ReplicaFailure").Status == "True":
		return deploy.StateFailed
	}
	return deploy.StateProgressing
}

// images are what a revision's containers run.
func images(set *unstructured.Unstructured) []string {
	var list []string
	for _, kind := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(set.Object, "spec", "template", "spec", kind)
		for _, c := range containers {
			if c, ok := c.(object); ok {
				image, _ := c["image"].(string)
				list = append(list, image)
			}
		}
	}
	return list
}
