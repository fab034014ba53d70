package app

import "cmp"

// Application is what ystack.yaml says: which images to build from this source
// and how each of them is deployed.
type Application struct {
	APIVersion string          `json:"apiVersion" check:"required,api-version" doc:"Version of this format."`
	Kind       string          `json:"kind" check:"required,kind-application" doc:"What the document describes."`
	Metadata   Metadata        `json:"metadata" check:"required" doc:"Who the application is."`
	Spec       ApplicationSpec `json:"spec" check:"required" doc:"What to build and where to run it."`

	// Path is the file the application was loaded from.
	Path string `json:"-"`
}

// Metadata names an Application or a Site.
type Metadata struct {
	Name string `json:"name" check:"required,name" doc:"The name; names of images, workloads and services are derived from an application's."`
}

// ApplicationSpec holds the images to build and the places to run them.
type ApplicationSpec struct {
	Images Images  `json:"images,omitzero" doc:"Images to build, by kind of target."`
	Deploy Deploy  `json:"deploy,omitzero" doc:"How the images are deployed, by kind of target."`
	Health *Health `json:"health,omitempty" doc:"How to tell that a running replica is well."`
}

// Images are the images built from the source, by kind of target.
type Images struct {
	Container *ContainerImage `json:"container,omitempty" doc:"A container image built from a Dockerfile."`
	VM        *VMImage        `json:"vm,omitempty" doc:"An image for virtual machines."`
	Baremetal *BaremetalImage `json:"baremetal,omitempty" doc:"An image for machines of metal."`
}

// VMImage says how to build an image for virtual machines: by Packer, which sets one up
// in the cloud and keeps its disk, or by diskimage-builder, on this machine.
type VMImage struct {
	Packer           *Packer           `json:"packer,omitempty" doc:"Packer boots a machine in the cloud, sets it up and keeps its disk."`
	DiskImageBuilder *DiskImageBuilder `json:"diskimageBuilder,omitempty" doc:"diskimage-builder makes the image on this machine."`
	Source           string            `json:"source,omitempty" check:"source" doc:"REPOSITORY@REF of git that the template or the elements are in, if that is not the application's own."`
	Ignore           []string          `json:"ignore,omitempty" each:"text" doc:"Patterns, as in .dockerignore, of files beside ystack.yaml that are not in the image: a change of them alone builds no new one."`
}

// BaremetalImage says how to build an image for machines of metal.
type BaremetalImage struct {
	DiskImageBuilder *DiskImageBuilder `json:"diskimageBuilder" check:"required" doc:"diskimage-builder makes the image on this machine."`
	Source           string            `json:"source,omitempty" check:"source" doc:"REPOSITORY@REF of git that the elements are in, if that is not the application's own."`
	Ignore           []string          `json:"ignore,omitempty" each:"text" doc:"Patterns, as in .dockerignore, of files beside ystack.yaml that are not in the image: a change of them alone builds no new one."`
}

// Packer is a template, and what it is given beside what the site says.
type Packer struct {
	Template  string            `json:"template" check:"required,relative-path" doc:"The template (.pkr.hcl or .json), or a directory of HCL files, relative to the directory of ystack.yaml or of the source."`
	Variables map[string]string `json:"variables,omitempty" keys:"arg-name" each:"text" doc:"Variables of the template; not for secrets."`
}

// DiskImageBuilder is what diskimage-builder makes an image of.
type DiskImageBuilder struct {
	Elements     []string          `json:"elements" check:"required" each:"element" doc:"The elements, such as debian-minimal and vm. With baremetal among them, kernel and ramdisk are kept beside the image."`
	ElementsPath string            `json:"elementsPath,omitempty" check:"relative-path" doc:"A directory of elements, relative to the directory of ystack.yaml or of the source."`
	Format       string            `json:"format,omitempty" check:"disk-format" default:"qcow2" doc:"Format of the image."`
	Env          map[string]string `json:"env,omitempty" keys:"arg-name" each:"text" doc:"Variables for the elements, such as DIB_RELEASE; not for secrets."`
}

// ContainerImage says how to build a container image.
type ContainerImage struct {
	Dockerfile string            `json:"dockerfile,omitempty" check:"relative-path" default:"Dockerfile" doc:"The Dockerfile, relative to the directory of ystack.yaml."`
	Context    string            `json:"context,omitempty" check:"relative-path" default:"." doc:"The build context, relative to the directory of ystack.yaml."`
	Args       map[string]string `json:"args,omitempty" keys:"arg-name" each:"text" doc:"Build arguments (ARG in the Dockerfile)."`
	Target     string            `json:"target,omitempty" check:"stage" doc:"The stage to build; the last one if empty."`
}

// Deploy says how the images are deployed, by kind of target.
type Deploy struct {
	Container *ContainerDeploy `json:"container,omitempty" doc:"Run the container image in Kubernetes."`
	VM        *VMDeploy        `json:"vm,omitempty" doc:"Run the VM image on servers of Nova."`
	Baremetal *BaremetalDeploy `json:"baremetal,omitempty" doc:"Run the bare-metal image on nodes of Ironic."`
}

// VMDeploy describes servers of Nova. Flavor, networks, security groups and the like
// are names or ids.
type VMDeploy struct {
	Count          *int32        `json:"count,omitempty" check:"count" doc:"How many servers; 1 if left out."`
	Flavor         string        `json:"flavor" check:"required,word" doc:"The flavor of the servers."`
	Networks       []string      `json:"networks" check:"required" each:"word" doc:"The networks that each server has a port in; the first one's address is asked for health."`
	KeyPair        string        `json:"keyPair,omitempty" check:"word" doc:"The key pair whose public key the servers let in."`
	SecurityGroups []string      `json:"securityGroups,omitempty" each:"word" doc:"Security groups of the servers' ports; the project's default if empty."`
	UserData       string        `json:"userData,omitempty" check:"relative-path" doc:"A file that the servers' cloud-init reads, relative to the directory of ystack.yaml; not for secrets."`
	Strategy       string        `json:"strategy,omitempty" check:"vm-strategy" default:"blue-green" doc:"blue-green (new servers beside the old ones, which go once the new ones are well) or rebuild (in place, keeping addresses)."`
	MaxUnavailable int32         `json:"maxUnavailable,omitempty" check:"count" doc:"How many servers are rebuilt at a time; 1 if left out."`
	FloatingIPs    []string      `json:"floatingIPs,omitempty" each:"ip" doc:"Floating addresses of the project, one for each server in turn; they move to the new servers."`
	LoadBalancer   *LoadBalancer `json:"loadBalancer,omitempty" doc:"A pool of Octavia whose members the servers are."`
}

// LoadBalancer is a pool that exists, and the port that members listen on.
type LoadBalancer struct {
	Pool string `json:"pool" check:"required,word" doc:"The pool, by name or id."`
	Port int32  `json:"port" check:"required,port" doc:"The port that the servers listen on."`
}

// BaremetalDeploy describes nodes of Ironic.
type BaremetalDeploy struct {
	Count         *int32   `json:"count,omitempty" check:"count" doc:"How many nodes; 1 if left out."`
	ResourceClass string   `json:"resourceClass" check:"required,word" doc:"The resource class of the nodes."`
	Traits        []string `json:"traits,omitempty" each:"word" doc:"Traits that the nodes must have."`
	UserData      string   `json:"userData,omitempty" check:"relative-path" doc:"A file that goes into the config drive as user data, relative to the directory of ystack.yaml; not for secrets."`
	BatchSize     int32    `json:"batchSize,omitempty" check:"count" doc:"How many nodes are deployed or rebuilt at a time; 1 if left out."`
	Address       string   `json:"address,omitempty" check:"word" doc:"Where a node's address for the health check is: a key of its extra, such as address. Without it nodes are not asked."`
}

// ContainerDeploy describes a workload in Kubernetes: either by its few usual
// fields, or by manifests of the user's own.
type ContainerDeploy struct {
	Namespace        string            `json:"namespace,omitempty" check:"dns-label" doc:"The namespace to deploy to; that of the kubeconfig context if empty."`
	Replicas         *int32            `json:"replicas,omitempty" check:"count" doc:"How many replicas run; unset leaves it to the cluster (one, or what an autoscaler decides)."`
	Ports            []Port            `json:"ports,omitempty" doc:"Ports that a Service offers."`
	Env              map[string]string `json:"env,omitempty" keys:"env-name" each:"text" doc:"Environment variables of the container."`
	Resources        *Resources        `json:"resources,omitempty" doc:"Resources the container asks for and may use at most."`
	ImagePullSecrets []string          `json:"imagePullSecrets,omitempty" each:"dns-subdomain" doc:"Secrets of the namespace that hold the registry's credentials."`
	Manifests        string            `json:"manifests,omitempty" check:"relative-path" doc:"A file or directory of Kubernetes manifests to use instead, relative to the directory of ystack.yaml."`
}

// Port is a port that the application's Service offers.
type Port struct {
	Name       string `json:"name,omitempty" check:"port-name" doc:"Name of the port; required when there is more than one."`
	Port       int32  `json:"port" check:"required,port" doc:"Port of the Service."`
	TargetPort int32  `json:"targetPort,omitempty" check:"port" doc:"Port the container listens on; the same as port if empty."`
	Protocol   string `json:"protocol,omitempty" check:"protocol" default:"TCP" doc:"Transport protocol."`
}

// Resources are compute resources by name, such as cpu or memory.
type Resources struct {
	Requests map[string]string `json:"requests,omitempty" keys:"resource" each:"quantity" doc:"What a replica needs to be scheduled."`
	Limits   map[string]string `json:"limits,omitempty" keys:"resource" each:"quantity" doc:"What a replica may use at most."`
}

// Health says how to tell that a replica is well: by HTTP or by TCP, not both.
type Health struct {
	HTTP *HTTPHealth `json:"http,omitempty" doc:"Well if a GET answers 200 to 399."`
	TCP  *TCPHealth  `json:"tcp,omitempty" doc:"Well if the port accepts a connection."`
}

// Endpoint is what is asked: the port, and the path of a GET; for a connection alone there
// is no path.
func (h *Health) Endpoint() (port int32, path string) {
	if h.HTTP != nil {
		return h.HTTP.Port, cmp.Or(h.HTTP.Path, "/")
	}
	return h.TCP.Port, ""
}

// HTTPHealth asks over HTTP.
type HTTPHealth struct {
	Port int32  `json:"port" check:"required,port" doc:"Port the container listens on."`
	Path string `json:"path,omitempty" check:"url-path" default:"/" doc:"Path to ask for."`
}

// TCPHealth opens a connection.
type TCPHealth struct {
	Port int32 `json:"port" check:"required,port" doc:"Port the container listens on."`
}
