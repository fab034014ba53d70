package authwebhook

import (
	"cmp"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/template"
)

//go:embed templates
var templates embed.FS

// name of everything in the cluster.
const name = "ystack-auth-webhook"

// ManifestOptions say what [Manifests] renders.
type ManifestOptions struct {
	Image     string
	Namespace string
	Replicas  int

	// StaticPod puts the webhook beside each API server instead of behind a Service.
	StaticPod bool
	// ClusterIP pins the Service's address.
	ClusterIP string

	AuthURL string
	// CABundle are the authorities of Keystone's certificate, in PEM.
	CABundle string
	Prefix   string
	Domains  []string
	JWS      bool
	Recheck  time.Duration
	CacheTTL time.Duration

	// Policy is an ABAC policy file, by which the webhook is to answer SubjectAccessReviews too.
	Policy []byte
	// Namespaces has the webhook tell users the namespaces of their projects.
	Namespaces bool

	// GenerateCerts adds an authority and a certificate.
	GenerateCerts bool
}

// maxConfigMap is what a ConfigMap holds, less some room for the rest of the object.
const maxConfigMap = 1000 << 10

// ErrManifests: something is missing or does not fit together.
var ErrManifests = errors.New("cannot render the manifests")

// File is one of the files that [Manifests] makes.
type File struct {
	Name string
	Data []byte
	Mode fs.FileMode
}

// Secret tells that the file must not be shown.
func (f File) Secret() bool { return f.Mode.Perm()&0o077 == 0 }

// Manifests renders what a cluster needs to ask the webhook.
func Manifests(o ManifestOptions) ([]File, error) {
	switch {
	case o.Image == "":
		return nil, fmt.Errorf("%w: no image given (--image): one that holds kubectl-ystack", ErrManifests)
	case o.AuthURL == "":
		return nil, fmt.Errorf("%w: no address of Keystone given (--auth-url or --os-cloud)", ErrManifests)
	case len(validation.IsDNS1123Label(o.Namespace)) > 0:
		return nil, fmt.Errorf("%w: %q is no name of a namespace (--namespace)", ErrManifests, o.Namespace)
	case o.ClusterIP != "" && net.ParseIP(o.ClusterIP) == nil:
		return nil, fmt.Errorf("%w: %q is no address (--cluster-ip)", ErrManifests, o.ClusterIP)
	case o.Replicas < 1 && !o.StaticPod:
		return nil, fmt.Errorf("%w: nobody could log in with no replica (--replicas)", ErrManifests)
	case o.StaticPod && o.ClusterIP != "":
		return nil, fmt.Errorf("%w: a static pod has no Service, so --cluster-ip means nothing", ErrManifests)
	case !o.StaticPod && len(o.Policy) > maxConfigMap:
		return nil, fmt.Errorf("%w: the policy file has %d KiB, and a ConfigMap holds %d; use --static-pod, which reads it from the machine's disk (--policy-file)",
			ErrManifests, len(o.Policy)>>10, maxConfigMap>>10)
	}
	if _, err := parsePolicy("the policy file", o.Policy); err != nil {
		return nil, fmt.Errorf("%w: %w (--policy-file)", ErrManifests, err)
	}
	m := manifest{ManifestOptions: o}
	var certs []File
	if o.GenerateCerts {
		var err error
		if certs, err = generateCerts(m.serverName(), time.Now()); err != nil {
			return nil, err
		}
		m.CAData = base64.StdEncoding.EncodeToString(certs[0].Data)
	}
	files, err := m.render()
	return append(files, certs...), err
}

// manifest is what goes into the templates.
type manifest struct {
	ManifestOptions
	CAData string
}

func (m manifest) render() ([]File, error) {
	workload := "deployment.yaml"
	if m.StaticPod {
		workload = "static-pod.yaml"
	}
	render := []struct{ template, file, path string }{
		{workload, name + ".yaml", ""},
		{"kubeconfig.yaml", "webhook.kubeconfig", PathReview},
		{"apiserver.txt", "README.txt", ""},
	}
	if m.Policy != nil {
		render = append(render, []struct{ template, file, path string }{
			{"kubeconfig.yaml", "authorization.kubeconfig", PathAccess},
			{"authorization-config.yaml", "authorization-config.yaml", ""},
		}...)
	}
	var files []File
	for _, f := range render {
		text, err := templates.ReadFile("templates/" + f.template)
		if err != nil {
			return nil, err
		}
		values := m.values()
		values["server"], values["file"] = m.server()+f.path, f.file
		files = append(files, File{f.file, []byte(template.Fill(string(text), m.conditions(), values)), 0o644})
	}
	if m.StaticPod && m.CABundle != "" {
		files = append(files, File{"keystone-ca.crt", []byte(m.CABundle), 0o644})
	}
	if m.StaticPod && m.Policy != nil {
		files = append(files, File{policyName, m.Policy, 0o644})
	}
	return files, nil
}

// policyName is what the policy file is called beside the webhook.
const policyName = "policy.jsonl"

// args are the flags of serve.
func (m manifest) args() []string {
	listen, tls, ca, policy := ":8443", "/etc/ystack/tls", "/etc/ystack/keystone-ca/ca.crt", "/etc/ystack/policy"
	if m.StaticPod {
		listen, tls, ca, policy = "127.0.0.1:8443", onDisk, onDisk+"/keystone-ca.crt", onDisk
	}
	args := []string{
		"--listen=" + listen, "--tls-cert-file=" + tls + "/tls.crt", "--tls-private-key-file=" + tls + "/tls.key",
		"--auth-url=" + m.AuthURL,
	}
	if m.CABundle != "" {
		args = append(args, "--cacert="+ca)
	}
	if m.Prefix != keystone.DefaultPrefix {
		args = append(args, "--username-prefix="+m.Prefix)
	}
	for _, d := range m.Domains {
		args = append(args, "--allowed-domain="+d)
	}
	if m.JWS {
		args = append(args, "--jws")
	}
	if m.Policy != nil {
		args = append(args, "--policy-file="+policy+"/"+policyName)
	}
	switch {
	case m.Namespaces && m.StaticPod: // which can have no service account
		args = append(args, "--kubeconfig="+onDisk+"/namespaces.kubeconfig")
	case m.Namespaces:
		args = append(args, "--in-cluster")
	}
	return append(args, "--recheck="+m.Recheck.String())
}

// onDisk is where the machines of the API servers keep their files for the webhook.
const onDisk = "/etc/kubernetes/ystack"

// server is the address that the API servers use.
func (m manifest) server() string {
	switch {
	case m.StaticPod:
		return "https://127.0.0.1:8443"
	case m.ClusterIP != "":
		return "https://" + bracket(m.ClusterIP)
	}
	return "https://" + m.serverName()
}

// bracket is how a URL writes an address.
func bracket(ip string) string {
	if strings.Contains(ip, ":") {
		return "[" + ip + "]"
	}
	return ip
}

// serverName is what the certificate says, whatever the address.
func (m manifest) serverName() string {
	if m.StaticPod {
		return "localhost"
	}
	return name + "." + m.Namespace + ".svc"
}

func (m manifest) conditions() map[string]bool {
	return map[string]bool{
		"ca": m.CABundle != "", "clusterIP": m.ClusterIP != "", "generated": m.CAData != "",
		"static": m.StaticPod, "unpinned": !m.StaticPod && m.ClusterIP == "", "policy": m.Policy != nil,
		"namespaces": m.Namespaces, "staticNamespaces": m.Namespaces && m.StaticPod,
	}
}

func (m manifest) values() map[string]string {
	var args []string
	for _, arg := range m.args() {
		args = append(args, template.Quote(arg))
	}
	holds := m.Recheck
	if holds == 0 {
		holds = DefaultOptions().TokenTTL
	}
	return map[string]string{
		"name": name, "namespace": m.Namespace, "image": template.Quote(m.Image), "replicas": strconv.Itoa(m.Replicas),
		"args": strings.Join(args, "\n"), "bundle": template.Quote(m.CABundle), "clusterIP": template.Quote(m.ClusterIP), "caData": m.CAData,
		"serverName": m.serverName(), "policy": template.Quote(string(m.Policy)), "automount": strconv.FormatBool(m.Namespaces), "cacheTTL": m.CacheTTL.String(), "recheck": holds.String(),
		"prefix": cmp.Or(m.Prefix, keystone.DefaultPrefix),
	}
}
