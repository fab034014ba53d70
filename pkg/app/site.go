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
	OpenStack  OpenStack  `json:"openstack,omitzero" doc:"The cloud that machines and their images are in."`
	Kubernetes Kubernetes `json:"kubernetes,omitzero" doc:"The cluster to deploy to."`
	Registries Registries `json:"registries" check:"required" doc:"Where images are pushed and where base images come from."`
	Archive    *Archive   `json:"archive,omitempty" doc:"Where images of machines are kept."`
	Builder    Builder    `json:"builder,omitzero" doc:"What builds container images."`
	Code       *Code      `json:"code,omitempty" doc:"The code registry, and what a push to it starts."`
}

// OpenStack is the cloud of the site.
type OpenStack struct {
	Cloud string       `json:"cloud,omitempty" check:"word" doc:"The cloud's name in clouds.yaml; the one that OS_CLOUD or the variables name if empty."`
	Build MachineBuild `json:"build,omitzero" doc:"The machine in which Packer makes images."`
}

// MachineBuild is where images of virtual machines are made, and what of. Each is a
// name or an id.
type MachineBuild struct {
	Flavor      string `json:"flavor,omitempty" check:"word" doc:"The flavor of the machine."`
	Network     string `json:"network,omitempty" check:"word" doc:"The network that the machine is in; Packer must reach it."`
	SourceImage string `json:"sourceImage,omitempty" check:"word" doc:"The image that the machine boots."`
	SSHUser     string `json:"sshUser,omitempty" check:"word" doc:"The user of that image that Packer logs in as."`
}

// Archive keeps images of machines, in Artifactory or in a container registry.
type Archive struct {
	Artifactory *Artifactory `json:"artifactory,omitempty" doc:"A generic repository of Artifactory."`
	OCI         string       `json:"oci,omitempty" check:"repository" doc:"Registry and path that images are kept under as OCI artifacts, without scheme or tag."`
}

// Artifactory is a repository, and where the token for it is.
type Artifactory struct {
	URL        string `json:"url" check:"required,url" doc:"Where Artifactory is, with its path, as https://artifactory.example/artifactory."`
	Repository string `json:"repository" check:"required,repository-key" doc:"The generic repository."`
	TokenFile  string `json:"tokenFile,omitempty" check:"word" doc:"A file that holds the access token; relative to the directory of the Site file."`
	TokenEnv   string `json:"tokenEnv,omitempty" check:"arg-name" doc:"An environment variable that holds the access token."`
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
