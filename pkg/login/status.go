package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Status is who somebody is, in Keystone and in Kubernetes.
type Status struct {
	Context    string           `json:"context"`
	Namespace  string           `json:"namespace,omitempty"`
	Keystone   KeystoneStatus   `json:"keystone"`
	Kubernetes KubernetesStatus `json:"kubernetes"`
}

// KeystoneStatus is what Keystone says of the token that kubectl uses.
type KeystoneStatus struct {
	AuthURL   string    `json:"authURL"`
	Cloud     string    `json:"cloud,omitempty"`
	User      string    `json:"user"`
	UserID    string    `json:"userID"`
	Domain    string    `json:"domain"`
	Project   string    `json:"project,omitempty"`
	ProjectID string    `json:"projectID,omitempty"`
	Roles     []string  `json:"roles"`
	Methods   []string  `json:"methods"`
	Expires   time.Time `json:"expires"`
	// PasswordExpires is nil when it does not, or Keystone does not tell.
	PasswordExpires *time.Time `json:"passwordExpires,omitempty"`
	// ApplicationCredential is the name of the one in use.
	ApplicationCredential string `json:"applicationCredential,omitempty"`
	// Source tells where the token came from.
	Source string `json:"source"`
}

// KubernetesStatus is what the API server says of whoever brings the token.
type KubernetesStatus struct {
	Cluster  string              `json:"cluster"`
	Server   string              `json:"server,omitempty"`
	Username string              `json:"username,omitempty"`
	UID      string              `json:"uid,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Extra    map[string][]string `json:"extra,omitempty"`
	// Error is why the server could not say.
	Error string `json:"error,omitempty"`
}

// Status asks both about the login of a context; the current one if name is empty. If
// the API server does not answer, what Keystone said is returned with the error.
func (s *Service) Status(ctx context.Context, access clientcmd.ConfigAccess, name string) (*Status, error) {
	b, err := s.openBook(ctx, access)
	if err != nil {
		return nil, err
	}
	c, err := b.find(name)
	if err != nil {
		return nil, err
	}
	got, err := s.Token(ctx, TokenInput{Pin: c.pin, Credential: c.file})
	if err != nil {
		return nil, err
	}
	t, got, err := s.validated(ctx, c, got)
	if err != nil {
		return nil, err
	}
	status := &Status{Context: c.name, Namespace: c.context.Namespace, Keystone: keystoneStatus(c.pin, t, got)}
	status.Kubernetes, err = s.kubernetesStatus(ctx, b, c, got.Token)
	return status, err
}

// validated asks Keystone about the token; one that was revoked is renewed, as kubectl
// would have it.
func (s *Service) validated(ctx context.Context, c ourContext, got Credential) (*keystone.Token, Credential, error) {
	client, err := s.clientFor(c.pin)
	if err != nil {
		return nil, got, err
	}
	t, err := client.Validate(ctx, got.Token)
	if !errors.Is(err, keystone.ErrNotFound) && !errors.Is(err, keystone.ErrUnauthorized) {
		return t, got, err
	}
	if err := s.tokens().Remove(got.pin.Key()); err != nil {
		return nil, got, err
	}
	if got, err = s.Token(ctx, TokenInput{Pin: c.pin, Credential: c.file}); err != nil {
		return nil, got, err
	}
	t, err = client.Validate(ctx, got.Token)
	return t, got, err
}

func keystoneStatus(p Pin, t *keystone.Token, got Credential) KeystoneStatus {
	st := KeystoneStatus{
		AuthURL: p["auth_url"], Cloud: p["cloud"], User: t.User.Name, UserID: t.User.ID, Domain: first(t.User.Domain.Name, t.User.Domain.ID),
		Methods: t.Methods, Expires: t.Expires, Source: got.Source, Roles: []string{},
	}
	if t.Project != nil {
		st.Project, st.ProjectID = projectName(*t.Project), t.Project.ID
	}
	for _, r := range t.Roles {
		st.Roles = append(st.Roles, r.Name)
	}
	if !t.User.PasswordExpires.IsZero() {
		st.PasswordExpires = &t.User.PasswordExpires
	}
	if t.ApplicationCredential != nil {
		st.ApplicationCredential = t.ApplicationCredential.Name
	}
	return st
}

func (s *Service) kubernetesStatus(ctx context.Context, b *book, c ourContext, token keystone.Secret) (KubernetesStatus, error) {
	st := KubernetesStatus{Cluster: c.context.Cluster}
	if b.config.Clusters[st.Cluster] == nil {
		err := failf(ErrNoCluster, "context %q is for cluster %q, which the kubeconfig does not have", c.name, st.Cluster)
		st.Error = err.Error()
		return st, err
	}
	client, err := b.connect(c.name, st.Cluster, token, s.UserAgent)
	if err != nil {
		st.Error = err.Error()
		return st, err
	}
	st.Server = client.Server
	who, err := client.WhoAmI(ctx)
	if err != nil {
		err = fmt.Errorf("who this is to Kubernetes: %w", err)
		st.Error = err.Error()
		return st, err
	}
	st.Username, st.UID, st.Groups, st.Extra = who.Username, who.UID, who.Groups, who.Extra
	return st, nil
}
