package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/hook"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/login"
)

// arguments are what verbs take, by the verb.
func (c *completer) arguments() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"advertise-clusterip":          many(c.services),
		"advertise-clusterip status":   many(c.services),
		"advertise-clusterip verify":   many(c.services),
		"advertise-clusterip withdraw": many(c.services),

		"deploy-image":          one(c.imagesOfRuns),
		"deploy-image history":  one(c.applications),
		"deploy-image rollback": one(c.applications),

		"keystone-login use": one(c.writtenProjects),

		"pipeline show":              one(c.runs),
		"pipeline logs":              one(c.runs),
		"pipeline deliveries show":   one(c.deliveries),
		"pipeline deliveries replay": one(c.deliveries),

		"where": one(c.revisions),
	}
}

// runs are the ids, newest first, and the applications.
func (c *completer) runs(*cobra.Command) []string {
	all, _ := openStore(c.env).List()
	var found []string
	for _, r := range all {
		if !slices.Contains(found, r.App) {
			found = append(found, r.App)
		}
		found = append(found, r.ID+"\t"+string(r.State))
	}
	return found
}

// revisions are the applications, and the commits of their runs.
func (c *completer) revisions(*cobra.Command) []string {
	all, _ := openStore(c.env).List()
	var found []string
	for _, r := range all {
		for _, name := range []string{r.App, r.Revision + "\t" + r.App} {
			if !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found
}

// imagesOfRuns are those that this user's runs have pushed.
func (c *completer) imagesOfRuns(*cobra.Command) []string {
	all, _ := openStore(c.env).List()
	var found []string
	for _, r := range all {
		if r.Image != "" && !slices.Contains(found, r.Image) {
			found = append(found, r.Image)
		}
	}
	return found
}

func (c *completer) deliveries(*cobra.Command) []string {
	book, err := hook.ReadBook(hookDir(c.env))
	if err != nil {
		return nil
	}
	var found []string
	for _, d := range book.Deliveries() {
		found = append(found, d.ID+"\t"+string(d.State()))
	}
	return found
}

func (c *completer) clouds(*cobra.Command) []string {
	found, _ := keystone.Clouds(keystone.LoadOptions{Getenv: c.env.Getenv})
	return found
}

// projects are those of the login that the flags name, unless that takes a new token.
func (c *completer) projects(cmd *cobra.Command) []string {
	pin := login.Pin(openStackFlagsOf(cmd))
	question := []string{"projects", c.env.Getenv("OS_CLOUD"), c.env.Getenv("OS_USERNAME"), c.env.Getenv("OS_AUTH_URL")}
	return c.ask(cmd, question, func(ctx context.Context) ([]string, error) {
		return keystoneService(c.env).KnownProjects(ctx, pin, kubeconfigAccess(flagValue(cmd, "kubeconfig")))
	})
}

// openStackFlagsOf are the flags about clouds as they have been typed so far.
func openStackFlagsOf(cmd *cobra.Command) openStackFlags {
	typed := openStackFlags{}
	for _, option := range login.Options() {
		if f := cmd.Flag(login.Flag(option)); f != nil && f.Changed {
			typed[option] = f.Value.String()
		}
	}
	return typed
}

func (c *completer) writtenProjects(cmd *cobra.Command) []string {
	found, _ := keystoneService(c.env).WrittenProjects(kubeconfigAccess(flagValue(cmd, "kubeconfig")))
	return found
}

func flagValue(cmd *cobra.Command, name string) string {
	if f := cmd.Flag(name); f != nil {
		return f.Value.String()
	}
	return ""
}
