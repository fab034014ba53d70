package login

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// connect reaches a cluster of the kubeconfig with a token and nothing else: no
// certificate of the current context's user goes along.
func (b *book) connect(context, cluster string, token keystone.Secret, userAgent string) (*kube.Client, error) {
	config := api.NewConfig()
	config.Clusters[cluster] = b.config.Clusters[cluster].DeepCopy()
	config.AuthInfos[context] = &api.AuthInfo{Token: token.Reveal()}
	config.Contexts[context] = &api.Context{Cluster: cluster, AuthInfo: context}
	config.CurrentContext = context
	return kube.New(clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}), userAgent)
}

// namespaces fills in the projects' namespaces as far as they can be known. The cluster
// need not be reachable from here: a context without a namespace is as good.
func (l *session) namespaces(ctx context.Context, b *book, contexts []Context, t *keystone.Token) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, err := b.connect(contexts[0].Name, contexts[0].Cluster, t.ID, l.UserAgent)
	if err != nil {
		return
	}
	of, told := l.told(ctx, b, client, contexts)
	if !told {
		of = listed(ctx, client)
	}
	for i, c := range contexts {
		if mine := of[c.ProjectID]; c.Namespace == "" && c.Cluster == contexts[0].Cluster && len(mine) == 1 {
			contexts[i].Namespace = mine[0]
		}
	}
}

// told asks the cluster about the user, once for each project: it may tell the namespaces of
// the one that a token is for.
func (l *session) told(ctx context.Context, b *book, client *kube.Client, contexts []Context) (of map[string][]string, told bool) {
	who, err := client.WhoAmI(ctx)
	first, told := who.Extra[keystone.NamespacesExtra]
	if err != nil || !told {
		return nil, false
	}
	of = map[string][]string{contexts[0].ProjectID: first}
	var mu sync.Mutex
	var asking errgroup.Group
	asking.SetLimit(4)
	for _, c := range contexts[1:] {
		if c.Namespace != "" || c.Cluster != contexts[0].Cluster || l.in.ApplicationCredential != nil {
			continue
		}
		asking.Go(func() error {
			names, err := l.tell(ctx, b, c)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				of[c.ProjectID] = names
			}
			return err
		})
	}
	if err := asking.Wait(); err != nil && ctx.Err() == nil {
		l.Warn("the namespaces of some projects are not known: %v", err)
	}
	return of, true
}

// tell asks for a context's namespaces, with a token that the context goes on using.
func (l *session) tell(ctx context.Context, b *book, c Context) ([]string, error) {
	t, err := l.scoped(ctx, keystone.Project{ID: c.ProjectID})
	if err != nil {
		return nil, err
	}
	if !l.in.CacheNone {
		_ = l.tokens().Put(c.pin.Key(), entry(t, c.pin))
	}
	client, err := b.connect(c.Name, c.Cluster, t.ID, l.UserAgent)
	if err != nil {
		return nil, err
	}
	who, err := client.WhoAmI(ctx)
	return who.Extra[keystone.NamespacesExtra], err
}

// listed are the namespaces of projects, as those see who may list namespaces.
func listed(ctx context.Context, client *kube.Client) map[string][]string {
	list, err := client.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).
		List(ctx, metav1.ListOptions{LabelSelector: keystone.ProjectLabel})
	if err != nil {
		return nil
	}
	of := map[string][]string{}
	for _, ns := range list.Items {
		id := ns.GetLabels()[keystone.ProjectLabel]
		of[id] = append(of[id], ns.GetName())
	}
	return of
}
