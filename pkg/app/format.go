package app

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// APIVersion is the version of the format that this program reads.
const APIVersion = "ystack.dev/v1alpha1"

// format says what a scalar may be. The loader and the JSON schema both read it.
type format struct {
	must     string   // "must be …", for people
	patterns []string // every one must match; in the dialect that RE2 and ECMA-262 share
	not      string   // the pattern that must not
	length   int      // at most so many characters; 0: no limit
	enum     []string
	low      int64 // of numbers
	high     int64
	numbers  bool // a bare number may stand for the string
	scalars  bool // so may true and false
	private  bool // may be a secret: errors do not show it
}

const (
	label     = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	hostPart  = `[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?`
	anyHost   = `(` + hostPart + `(\.` + hostPart + `)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?`
	clearHost = `(localhost|` + hostPart + `(\.` + hostPart + `)+|` + hostPart + `(\.` + hostPart + `)*:[0-9]{1,5}|localhost:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?)`
	repoPath  = `(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)`
	maxInt32  = 1<<31 - 1
)

// formatOf finds a format by the name that struct tags use.
func formatOf(name string) format {
	f, known := formats()[name]
	if !known && name != "" {
		panic("app: a struct tag names the unknown format " + strconv.Quote(name))
	}
	return f
}

func formats() map[string]format {
	return map[string]format{
		"api-version":      {enum: []string{APIVersion}},
		"kind-application": {enum: []string{KindApplication}},
		"kind-site":        {enum: []string{KindSite}},
		"kind-tenantsync":  {enum: []string{KindTenantSync}},
		"builder":          {enum: []string{"", "buildah", "buildkit", "podman", "docker"}},
		"code-kind":        {enum: []string{"github", "gitea"}},
		"disk-format":      {enum: []string{"qcow2", "raw"}},
		"protocol":         {enum: []string{"TCP", "UDP", "SCTP"}},
		"pod-security":     {enum: []string{"privileged", "baseline", "restricted"}},
		"subjects":         {enum: []string{"groups", "users"}},
		"vm-strategy":      {enum: []string{"blue-green", "rebuild"}},

		"name":          {must: "must be lower-case letters, digits and inner hyphens, at most 50 characters (names are derived from it)", patterns: []string{`^` + label + `$`}, length: 50},
		"dns-label":     {must: "must be lower-case letters, digits and inner hyphens, at most 63 characters (RFC 1123)", patterns: []string{`^` + label + `$`}, length: 63},
		"dns-subdomain": {must: "must be lower-case letters, digits, inner hyphens and dots, at most 253 characters (RFC 1123)", patterns: []string{`^` + label + `(\.` + label + `)*$`}, length: 253},
		"port-name":     {must: "must be a service name: lower-case letters (at least one), digits and single inner hyphens, at most 15 characters", patterns: []string{`^[a-z0-9]+(-[a-z0-9]+)*$`, `[a-z]`}, length: 15},
		"arg-name":      {must: "must be letters, digits and underscores, not starting with a digit", patterns: []string{`^[A-Za-z_][A-Za-z0-9_]*$`}},
		"env-name":      {must: "must be letters, digits, underscores, hyphens and dots, not starting with a digit", patterns: []string{`^[-._A-Za-z][-._A-Za-z0-9]*$`}},
		"stage":         {must: "must be the name or number of a build stage", patterns: []string{`^[A-Za-z0-9][-._A-Za-z0-9]*$`}},
		"word":          {must: "must not be empty", patterns: []string{`[^ ]`}},
		"text":          {must: "must not hold a NUL character", patterns: []string{`^[^\x00]*$`}, private: true},
		"relative-path": {must: "must be a path relative to the directory of ystack.yaml", patterns: []string{`^[^/\\\x00][^\x00]*$`, `^([^A-Za-z]|[A-Za-z]([^:]|$))`}},
		"source":        {must: "must be REPOSITORY@REF, such as https://code.example/images.git@v1.2", patterns: []string{`^[^-\s]\S*@[A-Za-z0-9][-._/A-Za-z0-9]*$`}},
		"element":       {must: "must be the name of an element: letters, digits, '.', '_' and '-'", patterns: []string{`^[A-Za-z0-9][-._A-Za-z0-9]*$`}},
		"url-path":      {must: "must start with / and hold no spaces", patterns: []string{`^/[!-~]*$`}},

		"ip":             {must: "must be an IP address", patterns: []string{`^([0-9]{1,3}\.){3}[0-9]{1,3}$|^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$`}},
		"host":           {must: "must be HOST or HOST:PORT, without scheme or path", patterns: []string{`^` + anyHost + `$`}},
		"registry":       {must: "must be HOST[:PORT][/PATH] without scheme or tag, such as docker.io or registry.example/docker", patterns: []string{`^` + clearHost + repoPath + `*$`}},
		"repository":     {must: "must be HOST[:PORT]/PATH without scheme or tag, such as registry.example/apps", patterns: []string{`^` + clearHost + repoPath + `+$`}},
		"url":            {must: "must be http:// or https://, HOST and a path, without user, query and fragment", patterns: []string{`^https?://` + anyHost + `(/[-._~A-Za-z0-9]+)*/?$`}},
		"repository-key": {must: "must be letters, digits, '.', '_' and '-'", patterns: []string{`^[A-Za-z0-9][-._A-Za-z0-9]*$`}},
		"resource":       {must: "must be cpu, memory, ephemeral-storage, hugepages-SIZE or VENDOR.EXAMPLE/NAME", patterns: []string{`^(cpu|memory|ephemeral-storage|hugepages-[1-9][0-9]*[KMG]i|` + label + `(\.` + label + `)*/[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)$`}},
		"quantity":       {must: "must be a quantity such as 500m, 2, 64Mi or 1.5Gi", patterns: []string{`^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,3})?$`}, numbers: true},

		"namespace-name": {must: "must be lower-case letters, digits and hyphens around at least one of {{.Project}} and {{.ProjectID}}, {{.Domain}} too if wanted, such as {{.Domain}}-{{.Project}}", patterns: []string{`^([-a-z0-9]|\{\{\.(Project|ProjectID|Domain)\}\})*$`, `\{\{\.Project(ID)?\}\}`}},
		"tenant-key":     {must: "must be a key such as team or example.com/team, and none of ystack.dev's or Kubernetes'", patterns: []string{`^(` + label + `(\.` + label + `)*/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$`}, not: `^(.*[.])?(ystack\.dev|kubernetes\.io|k8s\.io)/`},
		"label-value":    {must: "must be letters, digits and inner hyphens, underscores and dots, at most 63 characters", patterns: []string{`^([A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$`}},
		"cluster-role":   {must: "must be the name of a ClusterRole: letters, digits, hyphens, dots, underscores and colons", patterns: []string{`^[-._:A-Za-z0-9]*[A-Za-z0-9]$`}},
		"prefix":         {must: "must be printable and not start with system:", patterns: []string{`^[!-~]*$`}, not: `^system:`},
		"percent":        {must: "must be a share from 0% to 100%", patterns: []string{`^([0-9]|[1-9][0-9]|100)%$`}},

		"http-url":        {must: "must be http:// or https://, HOST[:PORT] and perhaps a path, without credentials", patterns: []string{`^https?://` + anyHost + `(/[-._~A-Za-z0-9]+)*/?$`}, private: true},
		"code-repository": {must: "must be OWNER/NAME, as the code registry writes it", patterns: []string{`^[-_A-Za-z0-9][-._A-Za-z0-9]*/[-_A-Za-z0-9][-._A-Za-z0-9]*$`}},
		"branch":          {must: "must be the name of a branch, without refs/heads/; * may stand for a part of it", patterns: []string{`^[^-/\\\[\]?~^: \x00-\x1f]`, `^([^r]|r([^e]|$)|re([^f]|$)|ref([^s]|$)|refs([^/]|$))[^\\\[\]?~^: \x00-\x1f]*$`}},
		"status-context":  {must: "must be letters, digits, and inner hyphens, dots, underscores and slashes, at most 60 characters", patterns: []string{`^[A-Za-z0-9]([-._/A-Za-z0-9]*[A-Za-z0-9])?$`}, length: 60},

		"node-name":      {must: "must be letters, digits, '.', '_', '~' and inner hyphens, at most 255 characters", patterns: []string{`^[A-Za-z0-9][-._~A-Za-z0-9]*$`}, length: 255},
		"resource-class": {must: "must not be empty, and have at most 80 characters", patterns: []string{`[^ ]`}, length: 80},
		"trait":          {must: "must be upper-case letters, digits and underscores, such as CUSTOM_SSD", patterns: []string{`^[A-Z][A-Z0-9_]*$`}, length: 255},
		"interface":      {must: "must be one of Ironic's interfaces: bios, boot, console, deploy, inspect, management, network, power, raid, rescue, storage, vendor", patterns: []string{`^(bios|boot|console|deploy|inspect|management|network|power|raid|rescue|storage|vendor)$`}},
		"mac":            {must: "must be a MAC address such as 52:54:00:12:34:56", patterns: []string{`^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$`}},
		"scalar":         {must: "must be text, a number, true or false", patterns: []string{`^[^\x00]*$`}, scalars: true, private: true},

		"port":  {must: "must be a port number from 1 to 65535", low: 1, high: 65535},
		"count": {must: "must be a whole number, 0 or more", low: 0, high: maxInt32},
	}
}

// problem says what is wrong with a string, "" if nothing is.
func (f format) problem(s string) string {
	if f.enum != nil {
		return f.enumProblem(s)
	}
	if f.length > 0 && utf8.RuneCountInString(s) > f.length {
		return fmt.Sprintf("%s has %d characters; %s", quote(s), utf8.RuneCountInString(s), f.must)
	}
	for _, pattern := range f.patterns {
		if !regexp.MustCompile(pattern).MatchString(s) {
			return f.describe(s)
		}
	}
	if f.not != "" && regexp.MustCompile(f.not).MatchString(s) {
		return f.describe(s)
	}
	return ""
}

func (f format) describe(s string) string {
	switch {
	case f.private:
		return f.must
	case s == "":
		return "must not be empty"
	case strings.Contains(s, "://") && !strings.Contains(f.must, "://"):
		return fmt.Sprintf("%s %s; remove %s", quote(s), f.must, quote(s[:strings.Index(s, "://")+3]))
	default:
		return fmt.Sprintf("%s %s", quote(s), f.must)
	}
}

func (f format) enumProblem(s string) string {
	for _, allowed := range f.enum {
		if s == allowed {
			return ""
		}
	}
	var shown []string
	for _, allowed := range f.enum {
		if allowed != "" {
			shown = append(shown, allowed)
		}
	}
	if len(shown) == 1 {
		return fmt.Sprintf("%s must be %s", quote(s), quote(shown[0]))
	}
	return fmt.Sprintf("unknown value %s; allowed: %s%s", quote(s), strings.Join(shown, ", "), suggest.DidYouMean(s, shown))
}

// numberProblem says what is wrong with a number, "" if nothing is.
func (f format) numberProblem(i int64) string {
	if i < f.low || i > f.high {
		return fmt.Sprintf("%d %s", i, f.must)
	}
	return ""
}
