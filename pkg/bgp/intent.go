package bgp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// List is a list of ranges in the spec of a BGPConfiguration.
type List string

const (
	ClusterIPs      List = "serviceClusterIPs"
	ExternalIPs     List = "serviceExternalIPs"
	LoadBalancerIPs List = "serviceLoadBalancerIPs"
)

// Lists are all of them.
func Lists() []List { return []List{ClusterIPs, ExternalIPs, LoadBalancerIPs} }

// word is how a list is called in the annotation.
func (l List) word() string {
	switch l {
	case ExternalIPs:
		return "external-ips"
	case LoadBalancerIPs:
		return "load-balancer-ips"
	}
	return "cluster-ip"
}

// Intent is which addresses of a Service are meant to be advertised.
type Intent []List

// ParseIntent reads the annotation of a Service: "true" is the ClusterIP,
// "false" and "" nothing, otherwise words separated by commas.
func ParseIntent(s string) (Intent, error) {
	var intent Intent
	switch strings.TrimSpace(s) {
	case "", "false":
		return nil, nil
	case "true":
		return Intent{ClusterIPs}, nil
	}
	known := []string{"true", "false"}
	for _, l := range Lists() {
		known = append(known, l.word())
	}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		i := slices.IndexFunc(Lists(), func(l List) bool { return l.word() == part })
		if i < 0 {
			return nil, fmt.Errorf("%s=%q: true, false, or of %s those that are meant, separated by commas%s",
				Annotation, s, strings.Join(known[2:], ", "), suggest.DidYouMean(part, known))
		}
		if l := Lists()[i]; !slices.Contains(intent, l) {
			intent = append(intent, l)
		}
	}
	return intent, nil
}

// String is what ParseIntent reads.
func (i Intent) String() string {
	if len(i) == 0 {
		return "false"
	}
	if len(i) == 1 && i[0] == ClusterIPs {
		return "true"
	}
	var words []string
	for _, l := range Lists() { // in one order, whatever that of i
		if slices.Contains(i, l) {
			words = append(words, l.word())
		}
	}
	return strings.Join(words, ",")
}
