// Package ironic deploys machine images to nodes of Ironic.
//
// A node is got through an allocation, whose name is made of the application's and of an
// ordinal: whoever tries again finds it. What runs on a node is written on the node, into
// its instance_info (see [record]), so that nothing else has to remember it.
package ironic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/glance"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// Target is one application's nodes in one cloud.
type Target struct {
	// HealthLimit is how long the application may take to be well on a node that is
	// active; 0 stands for ten minutes.
	HealthLimit time.Duration

	cloud, app string
	spec       app.BaremetalDeploy
	health     *app.Health
	userData   string
	client     *baremetal.Client
	images     *glance.Store
}

var _ deploy.Target = (*Target)(nil)

// maxUserData is far above what cloud-init files have; Ironic keeps it in its database.
const maxUserData = 256 << 10

// New is the target of an application in the cloud of a session. Files that the spec names
// are relative to dir. The cloud's name is for references and messages.
func New(session *keystone.Session, cloud, application string, spec app.BaremetalDeploy, health *app.Health, dir string) (*Target, error) {
	t := &Target{
		cloud: cloud, app: application, spec: spec, health: health,
		client: &baremetal.Client{Session: session}, images: &glance.Store{Session: session},
	}
	if spec.UserData == "" {
		return t, nil
	}
	data, err := os.ReadFile(filepath.Join(dir, spec.UserData))
	switch {
	case err != nil:
		return nil, fmt.Errorf("spec.deploy.baremetal.userData: %w", err)
	case len(data) > maxUserData:
		return nil, fmt.Errorf("spec.deploy.baremetal.userData: %s has %d bytes; at most %d go into a config drive", spec.UserData, len(data), maxUserData)
	case !utf8.Valid(data):
		return nil, fmt.Errorf("spec.deploy.baremetal.userData: %s is no text in UTF-8", spec.UserData)
	}
	t.userData = string(data)
	return t, nil
}

// Kind is deploy.Baremetal.
func (t *Target) Kind() string { return deploy.Baremetal }

// Place names the cloud.
func (t *Target) Place() string {
	if t.cloud == "" {
		return "the cloud in use"
	}
	return "cloud " + t.cloud
}

// count is how many nodes there are to be.
func (t *Target) count() int {
	if t.spec.Count == nil {
		return 1
	}
	return int(*t.spec.Count)
}

// probe asks a node whether it is well; nil if nodes are not asked.
func (t *Target) probe() *deploy.Probe {
	if t.health == nil || t.spec.Address == "" {
		return nil
	}
	port, path := t.health.Endpoint()
	return &deploy.Probe{Port: port, Path: path, Limit: t.HealthLimit}
}

// address is where a node is asked, as its extra has it; "" if it does not.
func (t *Target) address(n *baremetal.Node) string {
	text, _ := n.Extra[t.spec.Address].(string)
	return text
}

// userDataSum tells one user data from another, in the record.
func (t *Target) userDataSum() string {
	if t.userData == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(t.userData))
	return hex.EncodeToString(sum[:])
}

// Current is what was deployed last.
func (t *Target) Current(ctx context.Context) (deploy.Release, error) {
	entries, err := t.History(ctx)
	if err != nil {
		return deploy.Release{}, err
	}
	return entries[0].Release, nil
}
