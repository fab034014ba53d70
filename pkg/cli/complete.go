package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/completion"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// completing says whether a shell calls, on behalf of the TAB key.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// completer offers what arguments and values of flags can be. Verbs know nothing of it:
// it reads the flags of the command line that is being typed.
type completer struct {
	env   Env
	cache completion.Cache
}

func newCompleter(env Env) *completer {
	return &completer{env, completion.Cache{Dir: filepath.Join(env.cacheDir(), "completion")}}
}

// offer adds to a tree what TAB offers beyond verbs and flags.
func offer(root *cobra.Command, env Env) {
	env.Err = io.Discard // warnings would end up in the command line
	// Credential plugins of kubeconfigs ask on the terminal that standard input is.
	if null, err := os.Open(os.DevNull); err == nil {
		os.Stdin, env.In = null, null
	}
	c := newCompleter(env)
	arguments := c.arguments()
	var each func(*cobra.Command)
	each = func(cmd *cobra.Command) {
		if cmd.ValidArgs == nil && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = argument(cmd, arguments[verb(cmd)])
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c.flag(f)) // an error: it has one
		})
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each(root)
}

// verb is a command's name without the program's.
func verb(cmd *cobra.Command) string {
	return strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().CommandPath()), " ")
}

// values are what could be typed, as far as it is known.
type values func(cmd *cobra.Command) []string

// one offers values for a single argument, many for each of several.
func one(v values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return v.beginning(cmd, typed)
	}
}

func many(v values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		found, directive := v.beginning(cmd, typed)
		return slices.DeleteFunc(found, func(value string) bool {
			name, _, _ := strings.Cut(value, "\t")
			return slices.Contains(args, name)
		}), directive
	}
}

// beginning are the values that begin as what has been typed.
func (v values) beginning(cmd *cobra.Command, typed string) ([]string, cobra.ShellCompDirective) {
	var found []string
	for _, value := range completion.Typeable(v(cmd)) {
		if strings.HasPrefix(value, typed) {
			found = append(found, value)
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if len(found) == 1 && strings.HasSuffix(found[0], "=") {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return found, directive
}

func directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// argument is what completes the arguments of a command: what is known of it; else
// files, if it takes any arguments.
func argument(cmd *cobra.Command, known cobra.CompletionFunc) cobra.CompletionFunc {
	switch takes := strings.Contains(cmd.Use, " "); {
	case known != nil:
		return known
	case takes && strings.Contains(cmd.Use, "DIR"):
		return directories
	case takes:
		return nil
	}
	return cobra.NoFileCompletions
}

// words are values of flags that are always the same; each flag has those of them that
// its help names.
var words = map[string][]string{
	"output":       {"json", "yaml", "wide", "name", "jsonpath=", "custom-columns="},
	"format":       {"csv", "json", "table", "value", "yaml"},
	"quote":        {"all", "minimal", "none", "nonnumeric"},
	"dry-run":      {"none", "client", "server"},
	"log-level":    {"debug", "info", "warn", "error"},
	"builder":      {"buildah", "buildkit", "podman", "docker"},
	"target":       {"container", "vm", "baremetal"},
	"to":           {"glance", "archive"},
	"visibility":   {"private", "shared", "community", "public"},
	"cache":        {"file", "none"},
	"authz":        {"rbac", "abac"},
	"os-auth-type": {"password", "token", "v3applicationcredential", "v3totp", "v3multifactor"},
}

// flag is what completes the value of a flag.
func (c *completer) flag(f *pflag.Flag) cobra.CompletionFunc {
	live := map[string]values{
		"namespace": c.namespaces, "context": c.contexts, "cluster": c.clusters, "user": c.users,
		"os-cloud": c.clouds, "project": c.projects,
	}
	if v := live[f.Name]; v != nil {
		return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return v.beginning(cmd, typed)
		}
	}
	var some values = func(*cobra.Command) []string {
		var named []string
		for _, w := range words[f.Name] {
			if strings.Contains(f.Usage, w) {
				named = append(named, w)
			}
		}
		return named
	}
	if words[f.Name] != nil {
		return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return some.beginning(cmd, typed)
		}
	}
	if usage := strings.ToLower(f.Usage); strings.HasPrefix(f.Value.Type(), "string") &&
		(strings.Contains(usage, "file") || strings.Contains(usage, "directory")) {
		return nil // files
	}
	return cobra.NoFileCompletions
}

// ask gets values from a server, or from the cache of what it said to the same question.
func (c *completer) ask(cmd *cobra.Command, question []string, ask func(context.Context) ([]string, error)) []string {
	cmd.Flags().Visit(func(f *pflag.Flag) { question = append(question, f.Name, f.Value.String()) })
	return c.cache.Values(cmd.Context(), strings.Join(question, "\x00"), func(ctx context.Context) ([]string, error) {
		found, err := ask(ctx)
		if errors.Is(err, keystone.ErrUnauthorized) {
			err = errors.Join(completion.ErrRefused, err)
		}
		return found, err
	})
}
