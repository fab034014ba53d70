package app

import (
	"cmp"
	"fmt"
	"path/filepath"
)

// Code is the code registry of the site, and what a push to it starts.
type Code struct {
	Kind       string  `json:"kind" check:"required,code-kind" doc:"What it is: github (also Enterprise) or gitea (and what has its API)."`
	URL        string  `json:"url" check:"required,http-url" doc:"Where people see it; repositories are cloned from below it."`
	API        string  `json:"api,omitempty" check:"http-url" doc:"Where its API is; from kind and url if empty."`
	TokenEnv   string  `json:"tokenEnv,omitempty" check:"env-name" doc:"Environment variable with the token that reads repositories and writes statuses and hooks."`
	TokenFile  string  `json:"tokenFile,omitempty" check:"word" doc:"File with that token; relative to the Site file."`
	SecretEnv  string  `json:"secretEnv,omitempty" check:"env-name" doc:"Environment variable with the secret that hooks are signed with."`
	SecretFile string  `json:"secretFile,omitempty" check:"word" doc:"File with that secret; relative to the Site file."`
	Routes     []Route `json:"routes,omitempty" doc:"What a push starts; every route that fits does."`
}

// Route says which application a push to a branch is about, and where it goes.
type Route struct {
	Repository string   `json:"repository" check:"required,code-repository" doc:"OWNER/NAME in the code registry."`
	Branch     string   `json:"branch,omitempty" check:"branch" default:"main" doc:"The branch; * stands for any characters but /."`
	Paths      []string `json:"paths,omitempty" each:"relative-path" doc:"Only if something at or below one of these has changed since the route's last run; anything if empty."`
	Directory  string   `json:"directory,omitempty" check:"relative-path" default:"." doc:"Where in the repository ystack.yaml lies."`
	Site       string   `json:"site,omitempty" check:"word" doc:"Site file of the environment it goes to, relative to this one; this one if empty."`
	Context    string   `json:"context,omitempty" check:"status-context" default:"ystack" doc:"Name of the overall commit status; those of targets begin with it."`
}

// Relative is a path of the Site file as the process sees it.
func (s *Site) Relative(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(s.Path), path)
}

// distinctContexts keeps two routes of one branch from reporting under one name.
type distinctContexts struct{}

func (distinctContexts) apply(b *binder, n *node, path string) {
	routes := n.child("routes")
	if routes == nil {
		return
	}
	taken := map[[3]string]int{}
	for i, route := range routes.items {
		key := [3]string{route.child("repository").string(), cmp.Or(route.child("branch").string(), "main"), cmp.Or(route.child("context").string(), "ystack")}
		if first, again := taken[key]; again && key[0] != "" {
			b.fail(route.at, fmt.Sprintf("%s.routes[%d]", path, i), "reports on the same branch under the same name as routes[%d]; give one of them another context", first)
			continue
		}
		taken[key] = i
	}
}

// schema: that list elements differ cannot be said in JSON schema.
func (distinctContexts) schema() map[string]any { return map[string]any{} }
