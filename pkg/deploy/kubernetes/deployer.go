package kubernetes

import (
	"errors"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Deployer deploys to one cluster.
type Deployer struct {
	Client *kube.Client
	// Force takes over fields that another field manager owns, instead of
	// reporting a conflict (kubectl's --force-conflicts).
	Force bool
	// Kubectl is the program that renders a kustomization; "kubectl" if empty.
	Kubectl string
}

// Sentinels for errors.Is.
var (
	// ErrForeignObject says that an object of a name that is needed exists and is not ours.
	ErrForeignObject = errors.New("object belongs to somebody else")
	// ErrManifest says that the user's own manifests cannot be used as they are.
	ErrManifest = errors.New("manifest not usable")
	// ErrSpec says that the release cannot be rendered as it is.
	ErrSpec = errors.New("release not usable")
)

// Namespace is where the release goes: what the user asked for with a flag,
// else what the application says, else what the kubeconfig's context says.
func (d *Deployer) Namespace(r Release) string {
	if r.Spec.Namespace == "" || d.Client.NamespaceExplicit {
		return d.Client.Namespace
	}
	return r.Spec.Namespace
}
