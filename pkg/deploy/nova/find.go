package nova

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

type named struct{ ID, Name string }

type flavor struct {
	named
	VCPUs int
	RAM   int // MiB
	Disk  int // GiB
}

// recipe is what servers are made with, beside the image.
type recipe struct {
	flavor   flavor
	networks []named
	groups   []string
	key      string
	userData []byte
}

// recipe finds all that the specification names.
func (t *Target) recipe(ctx context.Context) (recipe, error) {
	var r recipe
	var err error
	if r.flavor, err = t.cloud.flavor(ctx, t.spec.Flavor); err != nil {
		return r, err
	}
	if r.networks, err = t.cloud.networks(ctx, t.spec.Networks); err != nil {
		return r, err
	}
	if r.groups, err = t.cloud.groups(ctx, t.spec.SecurityGroups); err != nil {
		return r, err
	}
	if r.key, err = t.cloud.keyPair(ctx, t.spec.KeyPair); err != nil {
		return r, err
	}
	if t.spec.UserData != "" {
		if r.userData, err = os.ReadFile(filepath.Join(t.dir, t.spec.UserData)); err != nil {
			return r, fmt.Errorf("spec.deploy.vm.userData: %w", err)
		}
		if len(r.userData) > mostUserData {
			return r, fmt.Errorf("spec.deploy.vm.userData: %s has %d bytes; Nova takes at most %d", t.spec.UserData, len(r.userData), mostUserData)
		}
	}
	return r, nil
}

// mostUserData is 65535 bytes of base64.
const mostUserData = 49149

// shape is a hash of what a rebuild cannot change.
func (r recipe) shape() string { return hash(r.flavor.ID, r.networks, r.groups) }

// generation is a hash of everything that servers are made with.
func (r recipe) generation(image string) string { return hash(image, r.shape(), r.key, r.userData) }

func hash(parts ...any) string {
	data, _ := json.Marshal(parts) // of strings and slices of them
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// choose finds one by its name or id.
func choose(field, kind, want string, all []named) (named, error) {
	var same []named
	var names, ids []string
	for _, one := range all {
		if one.ID == want {
			return one, nil
		}
		if one.Name == want {
			same = append(same, one)
			ids = append(ids, one.ID)
		}
		names = append(names, one.Name)
	}
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		return named{}, fmt.Errorf("spec.deploy.vm.%s: the cloud has no %s %q%s; it has %s", field, kind, want, suggest.DidYouMean(want, names), list(names))
	}
	return named{}, fmt.Errorf("spec.deploy.vm.%s: the cloud has %d of the name %s %q; name one by its id: %s", field, len(same), kind, want, strings.Join(ids, ", "))
}

// list names a few.
func list(names []string) string {
	const most = 20
	slices.Sort(names)
	names = slices.Compact(names)
	switch more := len(names) - most; {
	case len(names) == 0:
		return "none"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (c cloud) flavor(ctx context.Context, want string) (flavor, error) {
	var out struct{ Flavors []flavor }
	if err := c.get(ctx, compute, "/flavors/detail", &out); err != nil {
		return flavor{}, err
	}
	all := make([]named, len(out.Flavors))
	for i, f := range out.Flavors {
		all[i] = f.named
	}
	found, err := choose("flavor", "flavor", want, all)
	if err != nil {
		return flavor{}, err
	}
	return out.Flavors[slices.Index(all, found)], nil
}

func (c cloud) networks(ctx context.Context, want []string) ([]named, error) {
	var out struct{ Networks []named }
	if err := c.get(ctx, network, "/v2.0/networks?fields=id&fields=name", &out); err != nil {
		return nil, err
	}
	var all []named
	for _, name := range want {
		found, err := choose("networks", "network", name, out.Networks)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// groups finds security groups of the project: an administrator sees those of all.
func (c cloud) groups(ctx context.Context, want []string) ([]string, error) {
	if len(want) == 0 {
		return nil, nil
	}
	project, err := c.project(ctx)
	if err != nil {
		return nil, err
	}
	var out struct {
		Groups []named `json:"security_groups"`
	}
	if err := c.get(ctx, network, "/v2.0/security-groups?fields=id&fields=name&project_id="+project, &out); err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range want {
		found, err := choose("securityGroups", "security group", name, out.Groups)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found.ID)
	}
	return ids, nil
}

// keyPair finds one of the user's: they have no ids, and belong to no project.
func (c cloud) keyPair(ctx context.Context, want string) (string, error) {
	if want == "" {
		return "", nil
	}
	var out struct{ Keypairs []struct{ Keypair named } }
	if err := c.get(ctx, compute, "/os-keypairs", &out); err != nil {
		return "", err
	}
	var all []named
	for _, k := range out.Keypairs {
		all = append(all, named{k.Keypair.Name, k.Keypair.Name})
	}
	found, err := choose("keyPair", "key pair", want, all)
	return found.ID, err
}
