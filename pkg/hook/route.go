package hook

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
)

// Routes decide what a push starts.
type Routes []app.Route

// NewRoutes checks what the Site file's format cannot say.
func NewRoutes(site *app.Site) (Routes, error) {
	if site.Spec.Code == nil || len(site.Spec.Code.Routes) == 0 {
		return nil, fmt.Errorf("%s: spec.code.routes is missing: it says which pushes start what; see `kubectl ystack schema site`", site.Path)
	}
	for i, r := range site.Spec.Code.Routes {
		for _, p := range append([]string{r.Directory}, r.Paths...) {
			if !filepath.IsLocal(filepath.FromSlash(p)) {
				return nil, fmt.Errorf("%s: spec.code.routes[%d]: %q leaves the repository", site.Path, i, p)
			}
		}
	}
	return site.Spec.Code.Routes, nil
}

// jobs are what the push starts. known tells whether there is a route for its repository at all.
func (r Routes) jobs(p Push) (jobs []Job, known bool) {
	for _, route := range r {
		if !strings.EqualFold(route.Repository, p.Repository) { // code registries do not tell them apart
			continue
		}
		known = true
		if fits, _ := path.Match(route.Branch, p.Branch); fits {
			jobs = append(jobs, Job{Directory: route.Directory, Site: route.Site, Context: route.Context, Paths: route.Paths, State: Queued})
		}
	}
	return jobs, known
}

// Repositories that routes are for, each once.
func (r Routes) Repositories() []string {
	var all []string
	seen := map[string]bool{}
	for _, route := range r {
		if !seen[route.Repository] {
			seen[route.Repository] = true
			all = append(all, route.Repository)
		}
	}
	return all
}
