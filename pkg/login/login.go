package login

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Input says who logs in, for which projects, and what is written.
type Input struct {
	// Pin holds what flags say; the rest comes from clouds.yaml and the environment.
	Pin Pin
	// Projects are names, NAME@DOMAIN, or ids; All takes every one.
	Projects []string
	All      bool

	// Kubeconfig is where the contexts go, Cluster the entry in it that they point to
	// (the current context's if empty).
	Kubeconfig clientcmd.ConfigAccess
	Cluster    string
	// ContextName is their name, in which {cloud} and {project} are filled in.
	ContextName string
	// Command is how the kubeconfig calls this program, CacheNone that it shall keep
	// no tokens.
	Command   string
	CacheNone bool
	// Print makes a kubeconfig of its own instead of changing one.
	Print bool

	// ApplicationCredential is set to log in with one made for this.
	ApplicationCredential *CredentialRequest
}

// Context is a context of the kubeconfig that logs in through Keystone.
type Context struct {
	Name      string `json:"context"`
	Cloud     string `json:"cloud,omitempty"`
	User      string `json:"user"`
	Project   string `json:"project"`
	ProjectID string `json:"projectID"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace,omitempty"`
	File      string `json:"file,omitempty"`
	// Expires is when its application credential does; nil without one.
	Expires *time.Time `json:"expires,omitempty"`

	pin  Pin
	args []string
}

// Result is what a login did.
type Result struct {
	Token    *keystone.Token
	AuthURL  string
	Contexts []Context
	// Current is the kubeconfig's current context afterwards.
	Current string
	// Kubeconfig is what was asked for with Print.
	Kubeconfig []byte
}

// session is one login under way.
type session struct {
	*Service
	in     Input
	cfg    *keystone.Config
	client *keystone.Client
	token  *keystone.Token // unscoped, unless it could not be
	pin    Pin             // without a scope
}

// Login logs in, and writes a context for each project.
func (s *Service) Login(ctx context.Context, in Input) (*Result, error) {
	book, err := s.openBook(ctx, in.Kubeconfig)
	if err != nil {
		return nil, err
	}
	cluster, err := book.cluster(in.Cluster) // before anybody is asked for a password
	if err != nil {
		return nil, err
	}
	l, err := s.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	projects, err := l.projects(ctx)
	if err != nil {
		return nil, err
	}
	contexts, err := l.contexts(book, cluster, projects)
	if err != nil {
		return nil, err
	}
	first, err := l.scoped(ctx, projects[0])
	if err != nil {
		return nil, err
	}
	made, err := l.credentials(ctx, contexts, projects, first)
	if err != nil {
		return nil, err
	}
	l.namespaces(ctx, book, contexts, first)
	r := &Result{Token: first, AuthURL: l.pin["auth_url"], Contexts: contexts}
	if in.Print {
		r.Kubeconfig, err = book.standalone(contexts, in)
	} else {
		r.Current, err = book.write(ctx, s, contexts, in)
	}
	if err != nil {
		return nil, errors.Join(err, made.withdraw(l))
	}
	if !in.Print { // the kubeconfig's own contexts still use theirs
		made.replace(ctx, l)
	}
	return r, l.settle(contexts[0], first)
}

// begin loads the configuration, completes it, and gets the token from which the
// projects' are made.
func (s *Service) begin(ctx context.Context, in Input) (*session, error) {
	cfg, err := s.configure(keystone.LoadOptions{Cloud: in.Pin["cloud"], Getenv: s.Getenv, Dir: s.Dir, Overrides: in.Pin.overrides()})
	if err != nil {
		return nil, err
	}
	if err := s.complete(ctx, cfg, missing(cfg), "or call this on a terminal"); err != nil {
		return nil, err
	}
	client, err := keystone.NewClient(cfg, s.UserAgent)
	if err != nil {
		return nil, err
	}
	scope := keystone.Scope{Unscoped: true}
	if cfg.AuthType == keystone.AuthApplicationCredential {
		scope = cfg.Scope // it has its project by itself
	}
	if client.Plaintext() {
		s.Warn("credentials travel to %s without encryption; use https", cfg.AuthURL)
	}
	t, err := s.authenticate(ctx, client, cfg, scope)
	if err != nil {
		return nil, err
	}
	pin := pinOf(cfg).unscoped()
	if cfg.AuthType == keystone.AuthToken { // a token does not say whose it is
		pin["username"], pin["user_domain_name"] = t.User.Name, t.User.Domain.Name
	}
	return &session{s, in, cfg, client, t, pin}, nil
}

// scoped is a token for a project.
func (l *session) scoped(ctx context.Context, p keystone.Project) (*keystone.Token, error) {
	if l.token.Project != nil && l.token.Project.ID == p.ID {
		return l.token, nil
	}
	return l.client.Rescope(ctx, l.token, keystone.Scope{ProjectID: p.ID})
}

// settle keeps what the next calls of kubectl need.
func (l *session) settle(first Context, t *keystone.Token) error {
	if err := l.logIn(l.pin); err != nil {
		return err
	}
	for _, key := range []string{first.pin.Key(), l.pin.Key()} {
		l.tokens().Forgive(key)
	}
	if l.in.ApplicationCredential != nil {
		// Only the credential shall be left.
		return errors.Join(l.revoke(t), l.revoke(l.token))
	}
	if l.in.CacheNone {
		return nil
	}
	if err := l.tokens().Put(first.pin.Key(), entry(t, first.pin)); err != nil {
		l.Warn("the token cannot be kept: %v", err)
	}
	if l.token.Project == nil && l.forgets() {
		l.keepSession(l.pin, l.token)
	}
	return nil
}

func (l *session) revoke(t *keystone.Token) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return l.client.Revoke(ctx, t.ID)
}

// forgets reports whether the secret was entered or set for this shell only, so that
// another one cannot get a token by itself. Then the login's own token has to serve.
func (l *session) forgets() bool {
	shell := *l.Service
	shell.Getenv = l.filesOnly
	cfg, err := shell.config(l.pin)
	return err != nil || len(missing(cfg)) > 0
}
