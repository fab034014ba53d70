// Package nova deploys images to servers of Nova. What is deployed, and what was before,
// is known from the servers themselves: their metadata says which application, release
// and ordinal each of them is. See record.go.
package nova

import (
	"context"
	"errors"
	"fmt"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// Target is an application's place in one project of one cloud.
type Target struct {
	cloud  cloud
	app    string
	spec   app.VMDeploy
	health *app.Health
	dir    string // Spec.UserData is relative to it
}

var _ deploy.Target = (*Target)(nil)

// New does not ask the cloud anything yet. name is the cloud's, as in glance://NAME/….
func New(session *keystone.Session, name, application string, spec app.VMDeploy, health *app.Health, dir string) *Target {
	return &Target{cloud: cloud{session: session, name: name}, app: application, spec: spec, health: health, dir: dir}
}

// Kind is deploy.VM.
func (t *Target) Kind() string { return deploy.VM }

// Place names the cloud; the project is that of its credentials.
func (t *Target) Place() string {
	if t.cloud.name == "" {
		return "the cloud of OS_AUTH_URL"
	}
	return "cloud " + t.cloud.name
}

// Current is the release that the newest servers are of.
func (t *Target) Current(ctx context.Context) (deploy.Release, error) {
	servers, err := t.servers(ctx)
	if err != nil {
		return deploy.Release{}, err
	}
	all := past(servers)
	if len(all) == 0 {
		return deploy.Release{}, t.notDeployed()
	}
	return t.release(all[0]), nil
}

// History lists the releases that the servers remember, newest first.
func (t *Target) History(ctx context.Context) ([]deploy.Entry, error) {
	servers, err := t.servers(ctx)
	if err != nil {
		return nil, err
	}
	var entries []deploy.Entry
	for i, r := range past(servers) {
		e := deploy.Entry{Release: t.release(r), Number: r.Number, Current: i == 0, State: deploy.StateSuperseded}
		if e.Current {
			e.State = state(servers, r)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, t.notDeployed()
	}
	return entries, nil
}

// state is how the servers of the current release are. As long as there are others, it is
// on its way.
func state(servers []server, current record) string {
	state := deploy.StateReady
	for _, s := range servers {
		switch {
		case s.record.Number == current.Number && s.broken():
			return deploy.StateFailed
		case s.record.Number != current.Number, s.Status != statusActive:
			state = deploy.StateProgressing
		}
	}
	return state
}

func (t *Target) notDeployed() error {
	return fmt.Errorf("%w: there is no server of application %q in the project, in %s", deploy.ErrNotDeployed, t.app, t.Place())
}

// Rollback plans a release with an earlier image. Flavor, networks and all else are what
// ystack.yaml says now.
func (t *Target) Rollback(ctx context.Context, number int64) (deploy.Plan, error) {
	servers, err := t.servers(ctx)
	if err != nil {
		return nil, err
	}
	all := past(servers)
	if len(all) == 0 {
		return nil, t.notDeployed()
	}
	var known []string
	for i, r := range all {
		if number == 0 && i == 1 || number != 0 && r.Number == number {
			p, err := t.Plan(ctx, t.release(r))
			if errors.Is(err, store.ErrNotFound) {
				err = fmt.Errorf("%w: the image of revision %d is gone: %w", deploy.ErrNoRevision, r.Number, err)
			}
			return p, err
		}
		known = append(known, fmt.Sprint(r.Number))
	}
	if number == 0 {
		return nil, fmt.Errorf("%w: %s has had only one release in %s, so there is none to go back to", deploy.ErrNoRevision, t.app, t.Place())
	}
	return nil, fmt.Errorf("%w: %s has no release %d in %s; it has %s", deploy.ErrNoRevision, t.app, number, t.Place(), list(known))
}

// release is a record as the other targets tell theirs.
func (t *Target) release(r record) deploy.Release {
	image := store.Ref{Scheme: store.Glance, Host: t.cloud.name, Name: r.Image}
	return deploy.Release{
		App: t.app, Image: image.String(), SHA256: r.SHA256, Revision: r.Revision,
		Run: r.Run, By: r.By, Source: r.Source, Deployed: r.Deployed,
	}
}

func (t *Target) count() int {
	if t.spec.Count == nil {
		return 1
	}
	return int(*t.spec.Count)
}
