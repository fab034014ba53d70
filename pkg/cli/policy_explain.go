package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

type policyExplain struct {
	file        string
	namespace   string
	groups      []string
	subresource string
	output      string
}

func newPolicyExplain(env Env) *cobra.Command {
	o := policyExplain{}
	cmd := &cobra.Command{
		Use:   "explain -f FILE USER VERB RESOURCE[/NAME]|PATH",
		Short: "Say which line of a policy file allows a request, or why none does",
		Long: `Says which line of a policy file allows a request, or which lines come closest and why they do not allow it.
A resource is the plural, with its API group behind a dot; a path begins with a slash. Without --namespace
the request is for what is outside of namespaces, or in all of them (kubectl get --all-namespaces).

The groups that the API server gives everyone, and service accounts, are added. The status is 0 for yes, 1 for no.`,
		Example: examples(
			"kubectl ystack policy explain -f policy.jsonl keystone:alice update deployments.apps -n team-a --group keystone:project:8a1c:role:member",
			"kubectl ystack policy explain -f policy.jsonl system:anonymous get /healthz"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 3 {
				return usagef("say who wants to do what: USER VERB RESOURCE, or USER VERB /PATH")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.run(env, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "filename", "f", "", `the policy file; "-" is standard input (required)`)
	f.StringVarP(&o.namespace, "namespace", "n", "", "the namespace of the request")
	f.StringArrayVar(&o.groups, "group", nil, "a group that the user is in (repeatable)")
	f.StringVar(&o.subresource, "subresource", "", "the subresource, such as log; the format does not tell it from its resource")
	f.StringVarP(&o.output, "output", "o", "", "output format: json")
	return cmd
}

func (o policyExplain) run(env Env, args []string) error {
	if o.file == "" {
		return usagef("-f FILE is required: the policy file")
	}
	if o.output != "" && o.output != "json" {
		return usagef("unknown output format %q for policy explain: json", o.output)
	}
	q, err := o.request(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	p, err := parsePolicy(env, o.file)
	if err != nil {
		return err
	}
	e := p.Explain(q)
	if o.output == "json" {
		enc := json.NewEncoder(env.Out)
		enc.SetIndent("", "  ")
		err = enc.Encode(e)
	} else {
		_, err = fmt.Fprint(env.Out, o.text(e, args[2]))
	}
	if err == nil && !e.Allowed {
		return errNo
	}
	return err
}

// request is what the API server would ask its authorizer.
func (o policyExplain) request(user, verb, target string) (abac.Request, error) {
	q := abac.Request{User: user, Verb: strings.ToLower(verb), Groups: withGivenGroups(user, o.groups)}
	if strings.HasPrefix(target, "/") {
		if o.namespace != "" || o.subresource != "" {
			return q, usagef("%s is a path: --namespace and --subresource are for resources", target)
		}
		q.Path = target
		return q, nil
	}
	resource, _, _ := strings.Cut(target, "/")
	q.IsResource, q.Namespace = true, o.namespace
	q.Resource, q.APIGroup, _ = strings.Cut(resource, ".")
	if q.Resource == "" {
		return q, usagef("%q is neither a resource, such as pods or deployments.apps, nor a path that begins with a slash", target)
	}
	return q, nil
}

// withGivenGroups adds the groups that the API server gives by itself.
func withGivenGroups(user string, groups []string) []string {
	groups = slices.Clone(groups)
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, _, _ := strings.Cut(account, ":")
		groups = append(groups, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
	}
	if user == "system:anonymous" {
		return append(groups, abac.Unauthenticated)
	}
	return append(groups, abac.Authenticated)
}

func (o policyExplain) text(e abac.Explanation, target string) string {
	var b strings.Builder
	if e.Allowed {
		fmt.Fprintf(&b, "yes: %s:%d: %s\n", o.file, e.Line, e.Rule)
	} else {
		fmt.Fprintf(&b, "no: %s has no line that allows it\n", o.file)
	}
	for _, m := range e.Near {
		fmt.Fprintf(&b, "  line %d: %s\n    %s\n", m.Line, m.Rule, m.Reasons())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "  and %d more lines as close\n", e.More)
	}
	if o.subresource != "" || e.Request.IsResource && strings.Contains(target, "/") {
		b.WriteString("Neither names nor subresources count: the format does not know them.\n")
	}
	if slices.Contains(e.Request.Groups, "system:masters") {
		b.WriteString("The API server lets system:masters do everything, without asking for a policy.\n")
	}
	return b.String()
}
