package login

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// verb is what the kubeconfig calls.
const verb = "keystone-token"

// book is a kubeconfig as it was read.
type book struct {
	access clientcmd.ConfigAccess
	config *api.Config
}

// openBook reads a kubeconfig. clientcmd empties a file before it writes it anew: so not
// while another process of ours does. Where nothing can be locked, nothing is written.
func (s *Service) openBook(ctx context.Context, access clientcmd.ConfigAccess) (*book, error) {
	if unlock, err := s.lock(ctx, "kubeconfig"); err == nil {
		defer unlock()
	}
	config, err := access.GetStartingConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return &book{access, config}, nil
}

// file is where new entries go.
func (b *book) file() string { return b.access.GetDefaultFilename() }

// cluster is the entry that the contexts point to.
func (b *book) cluster(name string) (string, error) {
	known := slices.Sorted(maps.Keys(b.config.Clusters))
	if c := b.config.Contexts[b.config.CurrentContext]; name == "" && c != nil {
		name = c.Cluster
	}
	if name == "" && len(known) == 1 {
		name = known[0]
	}
	if b.config.Clusters[name] != nil {
		return name, nil
	}
	list := first(strings.Join(known, ", "), "none")
	if name == "" {
		return "", failf(ErrNoCluster, "which cluster is meant? Say it with --cluster; known in %s: %s", b.file(), list)
	}
	return "", failf(ErrNoCluster, "%s has no cluster %q; known: %s; `kubectl config set-cluster` adds one", b.file(), name, list)
}

// contexts plans one context per project.
func (l *session) contexts(b *book, cluster string, projects []keystone.Project) ([]Context, error) {
	cloud := first(l.cfg.Cloud, cluster) // OS_* variables give a cloud no name
	format := first(l.in.ContextName, "{cloud}/{project}")
	if len(projects) > 1 && !strings.Contains(format, "{project}") {
		return nil, failf(ErrTaken, "%d projects cannot share the name %q; put {project} into --context-name", len(projects), format)
	}
	seen := map[string]bool{}
	var contexts []Context
	for _, p := range projects {
		c := Context{
			Name:  strings.NewReplacer("{cloud}", cloud, "{project}", projectName(p)).Replace(format),
			Cloud: l.cfg.Cloud, User: l.pin.User(), Project: projectName(p), ProjectID: p.ID,
			Cluster: cluster, File: b.file(), pin: l.pin.forProject(p),
		}
		if seen[c.Name] {
			return nil, failf(ErrTaken, "two projects are called %s; name each with --project ID and --context-name", c.Name)
		}
		seen[c.Name] = true
		if !l.in.Print {
			if err := b.mayWrite(c.Name); err != nil {
				return nil, err
			}
			if err := b.replaces(&c, l.in.Cluster != ""); err != nil {
				return nil, err
			}
		}
		contexts = append(contexts, c)
	}
	return contexts, nil
}

// mayWrite refuses to replace what this program did not write.
func (b *book) mayWrite(name string) error {
	if user := b.config.AuthInfos[name]; user != nil && !ours(user) {
		return failf(ErrTaken, "%s has a user %q that keystone-login did not write; choose another name with --context-name", user.LocationOfOrigin, name)
	}
	c := b.config.Contexts[name]
	if c != nil && c.AuthInfo != name && !ours(b.config.AuthInfos[c.AuthInfo]) {
		return failf(ErrTaken, "%s has a context %q that keystone-login did not write; choose another name with --context-name", c.LocationOfOrigin, name)
	}
	return nil
}

// replaces keeps of a context that is there what a login does not decide. Its cluster
// is part of that: whoever types the context's name means that cluster.
func (b *book) replaces(c *Context, chosen bool) error {
	old := b.config.Contexts[c.Name]
	if old == nil {
		return nil
	}
	c.Namespace, c.File = old.Namespace, old.LocationOfOrigin
	if old.Cluster == c.Cluster || b.config.Clusters[old.Cluster] == nil {
		return nil
	}
	if chosen {
		return failf(ErrTaken, "%s has a context %q for cluster %s; choose another name for the one for %s with --context-name, as '{cloud}/{project}/%s'",
			old.LocationOfOrigin, c.Name, old.Cluster, c.Cluster, c.Cluster)
	}
	c.Cluster = old.Cluster
	return nil
}

// ours reports whether a user of the kubeconfig logs in through keystone-token.
func ours(user *api.AuthInfo) bool {
	if user == nil || user.Exec == nil || len(user.Exec.Args) == 0 || user.Exec.Args[0] != verb {
		return false
	}
	return strings.HasPrefix(filepath.Base(filepath.FromSlash(user.Exec.Command)), "kubectl-ystack")
}

// enter writes the contexts and their users into a configuration.
func enter(config *api.Config, contexts []Context, in Input) {
	for _, c := range contexts {
		user := config.AuthInfos[c.Name]
		if user == nil {
			user = api.NewAuthInfo()
		}
		args := append([]string{verb}, c.pin.Args()...)
		args = append(args, c.args...)
		if in.CacheNone {
			args = append(args, "--cache=none")
		}
		user.Exec = &api.ExecConfig{
			APIVersion:      execGroup + "v1",
			Command:         in.Command,
			Args:            args,
			InstallHint:     "This context logs in with OpenStack credentials. Install the ystack plugin of kubectl\n(kubectl-ystack) into your PATH.",
			InteractiveMode: api.IfAvailableExecInteractiveMode,
		}
		config.AuthInfos[c.Name] = user
		context := config.Contexts[c.Name]
		if context == nil {
			context = api.NewContext()
		}
		context.Cluster, context.AuthInfo, context.Namespace = c.Cluster, c.Name, c.Namespace
		config.Contexts[c.Name] = context
	}
}

// standalone is a kubeconfig that holds the contexts and their cluster only.
func (b *book) standalone(contexts []Context, in Input) ([]byte, error) {
	config := api.NewConfig()
	cluster := b.config.Clusters[contexts[0].Cluster].DeepCopy()
	config.Clusters[contexts[0].Cluster] = cluster
	enter(config, contexts, in)
	config.CurrentContext = contexts[0].Name
	if err := api.FlattenConfig(config); err != nil { // files of the cluster's become data
		return nil, err
	}
	return clientcmd.Write(*config)
}

// write changes the kubeconfig, and makes the first context current if there is none.
func (b *book) write(ctx context.Context, s *Service, contexts []Context, in Input) (current string, err error) {
	err = b.modify(ctx, s, func(config *api.Config) {
		enter(config, contexts, in)
		if config.CurrentContext == "" {
			config.CurrentContext = contexts[0].Name
		}
		current = config.CurrentContext
	})
	return current, err
}

// modify changes the kubeconfig as it is now. clientcmd locks its files while it
// writes, but compares with what was read before: what another process of ours added
// meanwhile would look like something to delete. So we are alone from before the
// reading.
func (b *book) modify(ctx context.Context, s *Service, change func(*api.Config)) error {
	unlock, err := s.lock(ctx, "kubeconfig")
	if err != nil {
		return err
	}
	defer unlock()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		config, err := b.access.GetStartingConfig()
		if err != nil {
			return err
		}
		change(config)
		err = clientcmd.ModifyConfig(b.access, *config, false)
		if err == nil {
			b.config = config
			return nil
		}
		if !errors.Is(err, fs.ErrExist) || ctx.Err() != nil {
			return fmt.Errorf("write the kubeconfig: %w", err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("write the kubeconfig: %w; if no kubectl is changing it, remove that file", err)
		}
	}
}

// lock makes this process the only one of this user's that does something.
func (s *Service) lock(ctx context.Context, what string) (unlock func(), err error) {
	dir, err := s.state("locks")
	if err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, what+".lock"), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", l.Path(), err)
	}
	return func() { _ = l.Close() }, nil
}
