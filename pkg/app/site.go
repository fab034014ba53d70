package app

// Site is what the Site file says: the cluster, registries and tools of the place
// where applications are built and run. It never holds a secret.
type Site struct {
	APIVersion string   `json:"apiVersion" check:"required,api-version" doc:"Version of this format."`
	Kind       string   `json:"kind" check:"required,kind-site" doc:"What the document describes."`
	Metadata   Metadata `json:"metadata" check:"required" doc:"Which site this is."`
	Spec       SiteSpec `json:"spec" check:"required" doc:"What the site offers."`

	// Path is the file the site was loaded from.
	Path string `json:"-"`
}

// SiteSpec holds what the site offers.
type SiteSpec struct {
	Kubernetes Kubernetes `json:"kubernetes,omitzero" doc:"The cluster to deploy to."`
	Registries Registries `json:"registries" check:"required" doc:"Where images are pushed and where base images come from."`
	Builder    Builder    `json:"builder,omitzero" doc:"What builds container images."`
	Code       *Code      `json:"code,omitempty" doc:"The code registry, and what a push to it starts."`
}

// Kubernetes is the cluster of the site.
type Kubernetes struct {
	Context string `json:"context,omitempty" check:"word" doc:"Context in the kubeconfig; the current one if empty."`
}

// Registries are the container registries of the site.
type Registries struct {
	Push     string   `json:"push" check:"required,repository" doc:"Registry and path that images are pushed under, without scheme or tag."`
	Bases    []string `json:"bases,omitempty" each:"registry" doc:"Registries asked for base images, in this order."`
	Insecure []string `json:"insecure,omitempty" each:"host" doc:"Hosts (with port, if any) reached over plain HTTP or with a certificate that cannot be verified."`
}

// Builder is the tool that builds container images.
type Builder struct {
	Name string `json:"name,omitempty" check:"builder" doc:"The tool; the first one found on this machine if empty."`
}
