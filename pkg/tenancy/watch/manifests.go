package watch

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/template"
)

//go:embed templates
var templates embed.FS

// ManifestOptions say what [Manifests] renders.
type ManifestOptions struct {
	Image     string
	Namespace string
	// Config is the TenantSync, and Text the file that it is in.
	Config *app.TenantSync
	Text   string
	// Cloud is the name of the cloud in the clouds.yaml of Secret.
	Cloud, Secret string

	Interval time.Duration
	// DeleteQuarantined also deletes namespaces that were quarantined for OlderThan.
	DeleteQuarantined bool
	OlderThan         string
}

// ErrManifests: something is missing or makes no sense.
var ErrManifests = errors.New("cannot render the manifests")

// Manifests renders what a cluster needs to follow Keystone by itself: a Deployment, the
// least that its account must be allowed, and policies that keep others from what it
// relies on.
func Manifests(o ManifestOptions) ([]byte, error) {
	m := rendering{o}
	switch {
	case o.Image == "":
		return nil, fmt.Errorf("%w: no image given (--image): one that holds kubectl-ystack", ErrManifests)
	case o.Cloud == "":
		return nil, fmt.Errorf("%w: no cloud given (--os-cloud): its name in the clouds.yaml of Secret %s", ErrManifests, m.secret())
	case len(validation.IsDNS1123Label(o.Namespace)) > 0:
		return nil, fmt.Errorf("%w: %q is no name of a namespace (--namespace)", ErrManifests, o.Namespace)
	case len(validation.IsDNS1123Subdomain(m.secret())) > 0:
		return nil, fmt.Errorf("%w: %q is no name of a Secret (--secret)", ErrManifests, o.Secret)
	}
	var out []byte
	for _, name := range []string{"cluster.yaml", "policies.yaml"} {
		text, err := templates.ReadFile("templates/" + name)
		if err != nil {
			return nil, err
		}
		out = append(out, template.Fill(string(text), m.conditions(), m.values())...)
	}
	return out, nil
}

// rendering is what goes into the templates.
type rendering struct{ ManifestOptions }

func (m rendering) name() string { return "ystack-tenant-sync-" + m.Config.Metadata.Name }

func (m rendering) secret() string {
	if m.Secret != "" {
		return m.Secret
	}
	return m.name()
}

func (m rendering) args() []string {
	args := []string{
		"--filename=/etc/ystack/tenants/tenants.yaml", "--os-cloud=" + m.Cloud,
		"--watch", "--interval=" + m.Interval.String(), "--listen=:8444",
	}
	if m.DeleteQuarantined {
		args = append(args, "--delete-quarantined", "--older-than="+m.OlderThan)
	}
	return args
}

func (m rendering) conditions() map[string]bool {
	return map[string]bool{
		// The labels of a namespace that is there already are somebody else's.
		"home":    m.Namespace != "default" && !strings.HasPrefix(m.Namespace, "kube-"),
		"delete":  m.DeleteQuarantined,
		"odd":     odd(m.Text),
		"labels":  len(m.Config.Spec.Namespaces.Labels) > 0,
		"system":  len(m.Config.Spec.SystemRoles) > 0,
		"secrets": len(m.Config.Spec.Namespaces.PullSecrets) > 0,
	}
}

func (m rendering) values() map[string]string {
	args := m.args()
	for i := range args {
		args[i] = template.Quote(args[i])
	}
	roles := map[string]bool{}
	for _, r := range slices.Concat(m.Config.Spec.Roles, m.Config.Spec.SystemRoles) {
		roles[r.ClusterRole] = true
	}
	secrets := map[string]bool{}
	for _, ref := range m.Config.Spec.Namespaces.PullSecrets {
		secrets[ref.Name] = true
	}
	labels := slices.Sorted(maps.Keys(m.Config.Spec.Namespaces.Labels))
	return map[string]string{
		"name": m.name(), "instance": template.Quote(m.Config.Metadata.Name), "namespace": m.Namespace, "image": template.Quote(m.Image), "secret": m.secret(), "cloud": m.Cloud,
		"args": strings.Join(args, "\n"), "clusterRoles": template.Quote(slices.Sorted(maps.Keys(roles))), "labels": template.Quote(labels),
		"secrets": template.Quote(slices.Sorted(maps.Keys(secrets))),
		"config":  strings.TrimSuffix(m.Text, "\n"), "quotedConfig": template.Quote(m.Text),
	}
}

// odd tells a text that would not come out of a YAML block as it went in.
func odd(text string) bool {
	return text == "" || strings.ContainsAny(text[:1], " \n") || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") ||
		strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
}
