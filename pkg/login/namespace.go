package login

import (
	"context"
	"time"

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

// namespaces fills in the projects' namespaces as far as they can be known. Most users
// may not list namespaces, and the cluster need not be reachable from here: a context
// without a namespace is as good.
func (l *session) namespaces(ctx context.Context, b *book, contexts []Context, t *keystone.Token) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, err := b.connect(contexts[0].Name, contexts[0].Cluster, t.ID, l.UserAgent)
	if err != nil {
		return
	}
	list, err := client.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).
		List(ctx, metav1.ListOptions{LabelSelector: keystone.ProjectLabel})
	if err != nil {
		return
	}
	of, several := map[string]string{}, map[string]bool{}
	for _, ns := range list.Items {
		id := ns.GetLabels()[keystone.ProjectLabel]
		several[id] = of[id] != ""
		of[id] = ns.GetName()
	}
	for i, c := range contexts {
		if c.Namespace == "" && c.Cluster == contexts[0].Cluster && !several[c.ProjectID] {
			contexts[i].Namespace = of[c.ProjectID]
		}
	}
}
