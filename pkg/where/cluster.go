package where

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/kube"
)

// Cluster is a cluster, as one user sees it.
type Cluster struct {
	*kubernetes.Deployer
	// Namespace is the only one to look at; empty for all.
	Namespace string
	// Mine are the user's namespaces. They are asked for if he may not look at all.
	Mine func(context.Context) ([]string, error)
}

func (c Cluster) place() string { return "cluster " + cmp.Or(c.Client.Context, c.Client.Server) }

func (x *search) cluster(ctx context.Context, c Cluster) error {
	var only []string
	if c.Namespace != "" {
		only = []string{c.Namespace}
	}
	running, err := c.Running(ctx, only...)
	if errors.Is(err, kube.ErrForbidden) && only == nil && c.Mine != nil {
		running, err = x.mine(ctx, c, err)
	}
	recorded := map[string]bool{}
	for _, r := range running {
		recorded[r.Namespace+"/"+r.App] = recorded[r.Namespace+"/"+r.App] || r.Image != ""
	}
	for _, r := range running {
		// Beside what is deployed, an application's own manifests can have a database, say.
		if r.Image != "" || !recorded[r.Namespace+"/"+r.App] {
			x.found(workloadOf(r, c.place()))
		}
	}
	return err
}

// mine looks at those namespaces that are the user's.
func (x *search) mine(ctx context.Context, c Cluster, refused error) ([]kubernetes.Running, error) {
	namespaces, err := c.Mine(ctx)
	if len(namespaces) == 0 {
		return nil, errors.Join(refused, err)
	}
	slices.Sort(namespaces)
	var all []kubernetes.Running
	var denied []error
	var seen []string
	for _, namespace := range slices.Compact(namespaces) {
		running, err := c.Running(ctx, namespace)
		if errors.Is(err, kube.ErrForbidden) {
			denied = append(denied, err)
			continue
		} else if err != nil {
			return all, err
		}
		all, seen = append(all, running...), append(seen, namespace)
	}
	if len(seen) == 0 {
		return nil, errors.Join(denied...)
	}
	x.note("%s: you may not look at all namespaces; shown is what runs in %s", c.place(), strings.Join(seen, ", "))
	return all, nil
}

func workloadOf(r kubernetes.Running, cluster string) Workload {
	w := Workload{
		App: r.App, Revision: r.Revision, Target: deploy.Container, Name: r.Object, Place: cluster + ", namespace " + r.Namespace,
		Image: r.Image, By: r.By, Run: r.Run, Source: r.Source, Since: r.Deployed,
		State: fmt.Sprintf("%d/%d %s", r.Ready, r.Desired, r.State),
	}
	if !r.Runs() && len(r.Images) > 0 {
		w.Has = r.Images[0]
		w.Revision, w.By, w.Run, w.Source = "", "", "", "" // the record is of another image
	}
	if _, sum, ok := strings.Cut(cmp.Or(w.Has, w.Image), "@"); ok {
		w.Digest = sum
	}
	return w
}
