// Package bgp decides, changes, shows and proves which Services of a cluster
// Calico announces to the routers outside.
//
// What is meant stands on each Service, as an annotation. What is announced
// stands in the lists of Calico's BGPConfiguration, which others write too; an
// annotation there records which entries are ystack's, and for whom. Everything
// that decides is a function of what was read, and changes nothing.
package bgp

import "errors"

// What stands where.
const (
	// Annotation says on a Service that it is meant to be advertised: see ParseIntent.
	Annotation = "ystack.dev/advertise-clusterip"
	// RecordAnnotation says on a BGPConfiguration which entries are ystack's.
	RecordAnnotation = "ystack.dev/advertised"

	manager        = "ystack-advertise-clusterip"
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelComponent = "app.kubernetes.io/component"
	managedBy      = "ystack"
	component      = "advertise-clusterip"
	ours           = labelManagedBy + "=" + managedBy + "," + labelComponent + "=" + component
)

// Kinds of failure, to be asked for with errors.Is.
var (
	// ErrNoCalico says that the cluster does not know Calico's objects.
	ErrNoCalico = errors.New("no Calico")
	// ErrOldCalico says that they are too old for what was asked.
	ErrOldCalico = errors.New("too old a Calico")
	// ErrNotAdvertisable says that a Service has no address that could be.
	ErrNotAdvertisable = errors.New("not advertisable")
	// ErrRefused says that a check found what would break the network.
	ErrRefused = errors.New("refused")
	// ErrNoSession says that a peer does not speak BGP with the nodes.
	ErrNoSession = errors.New("no BGP session")
	// ErrNotAdvertised says that an address is not announced after all.
	ErrNotAdvertised = errors.New("not advertised")
)

// failure is a sentence with a sentinel.
type failure struct {
	kind    error
	message string
}

func (f *failure) Error() string { return f.message }
func (f *failure) Unwrap() error { return f.kind }
