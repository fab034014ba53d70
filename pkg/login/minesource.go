package login

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// connected asks the cluster who the user is. A cluster before 1.28 cannot say, and one
// without RBAC may not.
func (y *survey) connected(ctx context.Context, v *viewpoint) (*kube.Client, kube.UserInfo, error) {
	client, got, err := y.client(ctx, v)
	if err != nil {
		return nil, kube.UserInfo{}, err
	}
	who, err := client.WhoAmI(ctx)
	if errors.Is(err, kube.ErrUnauthorized) && got.pin != nil { // the cache may have a token that was revoked
		if err := y.tokens().Remove(got.pin.Key()); err != nil {
			return nil, who, err
		}
		if client, _, err = y.client(ctx, v); err != nil {
			return nil, who, err
		}
		who, err = client.WhoAmI(ctx)
	}
	if errors.Is(err, kube.ErrNotFound) || errors.Is(err, kube.ErrForbidden) {
		return client, kube.UserInfo{}, nil
	}
	return client, who, err
}

// client reaches the cluster as the viewpoint's user does.
func (y *survey) client(ctx context.Context, v *viewpoint) (*kube.Client, Credential, error) {
	switch {
	case v.name != "" && v.pin == nil:
		config := clientcmd.NewNonInteractiveClientConfig(*y.book.config, v.name, &clientcmd.ConfigOverrides{}, y.book.access)
		client, err := kube.New(config, y.UserAgent)
		return client, Credential{}, err
	case y.book.config.Clusters[v.cluster] == nil:
		return nil, Credential{}, failf(ErrNoCluster, "the kubeconfig has no cluster %q", v.cluster)
	case v.login != nil:
		t, err := v.login.client.Rescope(ctx, v.login.token, keystone.Scope{ProjectID: v.known.ID})
		if err != nil {
			return nil, Credential{}, err
		}
		v.known = *t.Project // with the name of its domain
		client, err := y.book.connect(v.login.context, v.cluster, t.ID, y.UserAgent)
		return client, Credential{}, err
	}
	got, err := y.Token(ctx, TokenInput{Pin: v.pin, Credential: v.file})
	if err != nil {
		return nil, got, err
	}
	client, err := y.book.connect(v.name, v.cluster, got.Token, y.UserAgent)
	return client, got, err
}

// namespaces are those that the cluster says are the user's; otherwise those that he may
// list; otherwise the context's own.
func (y *survey) namespaces(ctx context.Context, client *kube.Client, v viewpoint, who kube.UserInfo) ([]string, error) {
	names, told := who.Extra[keystone.NamespacesExtra]
	if told {
		if len(names) == 0 {
			_, project, _ := scopeOf(who)
			y.note("project %s has no namespace in cluster %s", first(project, v.who()), v.cluster)
		}
		return names, nil
	}
	names, err := listNamespaces(ctx, client)
	if !errors.Is(err, kube.ErrForbidden) {
		return names, err
	}
	y.note("cluster %s does not tell which namespaces are yours, and you may not list them: only the contexts' own were looked at; "+
		"its auth-webhook tells them with --in-cluster or --kubeconfig", v.cluster)
	if v.context == nil || v.context.Namespace == "" {
		return nil, nil
	}
	return []string{v.context.Namespace}, nil
}

func listNamespaces(ctx context.Context, client *kube.Client) ([]string, error) {
	list, err := client.Metadata(ctx, "/api/v1/namespaces", nil)
	var names []string
	for _, ns := range list {
		names = append(names, ns.Name)
	}
	return names, err
}

// contextless are the projects of the contexts' logins that no context is for, on the same
// clusters, as far as these could be reached. An application credential has one project only.
func (y *survey) contextless(ctx context.Context, views []viewpoint) []viewpoint {
	type login struct{ cluster, login string }
	seen, have := map[login]viewpoint{}, map[login][]string{}
	for _, v := range views {
		if !y.reached[v.cluster] || v.pin == nil || v.file != "" || v.pin["auth_type"] == keystone.AuthApplicationCredential {
			continue
		}
		key := login{v.cluster, v.pin.Login()}
		have[key] = append(have[key], v.project().ID)
		if _, known := seen[key]; !known {
			seen[key] = v
		}
	}
	var mu sync.Mutex
	var more []viewpoint
	var asking errgroup.Group
	for key, v := range seen {
		asking.Go(func() error {
			found, err := y.otherProjects(ctx, v, have[key])
			if err != nil && ctx.Err() == nil {
				y.note("the other projects of %s are not known: %v", v.who(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			more = append(more, found...)
			return nil
		})
	}
	_ = asking.Wait()
	return more
}

// otherProjects are those of a login beside the ones that it has contexts for.
func (y *survey) otherProjects(ctx context.Context, v viewpoint, have []string) ([]viewpoint, error) {
	got, err := y.Token(ctx, TokenInput{Pin: v.pin, Credential: v.file})
	if err != nil {
		return nil, nil // looking has said so
	}
	client, err := y.clientFor(v.pin)
	if err != nil {
		return nil, err
	}
	token := &keystone.Token{ID: got.Token, User: keystone.User{Name: v.pin.User()}}
	projects, err := client.Projects(ctx, token)
	if err != nil {
		return nil, err
	}
	var more []viewpoint
	for _, p := range projects {
		if !p.Enabled || slices.Contains(have, p.ID) {
			continue
		}
		more = append(more, viewpoint{cluster: v.cluster, known: p, login: &keystoneLogin{client, token, v.name}})
	}
	return more, nil
}
