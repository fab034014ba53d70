package authwebhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// Only metadata is asked for, which is all that the API server then sends.
const (
	namespacesPath = "/api/v1/namespaces"
	asList         = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	asObject       = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
)

// list reads all namespaces of projects, in parts, and returns the version from which to watch.
func (n *Namespaces) list(ctx context.Context) (version string, err error) {
	projectOf := map[string]string{}
	query := url.Values{"labelSelector": {keystone.ProjectLabel}, "limit": {"1000"}}
	for {
		body, err := n.client.Get(ctx, namespacesPath, query, asList)
		if err != nil {
			return "", err
		}
		var part struct {
			Metadata struct{ ResourceVersion, Continue string }
			Items    []namespace
		}
		if err := json.Unmarshal(body, &part); err != nil {
			return "", fmt.Errorf("the list of namespaces: %w", err)
		}
		for _, ns := range part.Items {
			if project := ns.project(); project != "" {
				projectOf[ns.Metadata.Name] = project
			}
		}
		if part.Metadata.Continue == "" {
			n.replace(projectOf)
			return part.Metadata.ResourceVersion, nil
		}
		query.Set("continue", part.Metadata.Continue)
	}
}

// watch takes over changes, over as many connections as it takes. It returns nil when the version
// is too old, and all must be listed again.
func (n *Namespaces) watch(ctx context.Context, version string) error {
	for ctx.Err() == nil {
		seen, again, err := n.read(ctx, version)
		if err != nil || !again {
			return err
		}
		if seen == version { // it may have ended at once, as the next one would
			pause(ctx, n.rest)
		}
		version = seen
	}
	return nil
}

// read takes over the changes that one connection brings.
func (n *Namespaces) read(ctx context.Context, version string) (seen string, again bool, err error) {
	response, err := n.client.Open(ctx, namespacesPath, url.Values{
		"watch": {"1"}, "resourceVersion": {version}, "allowWatchBookmarks": {"1"}, "labelSelector": {keystone.ProjectLabel},
	}, asObject)
	if err != nil {
		return version, false, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusGone {
		return version, false, nil
	}
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
		return version, false, n.client.Explain(kube.StatusError(response, body))
	}
	for events := json.NewDecoder(response.Body); ; {
		var event struct {
			Type   string
			Object namespace
		}
		if err := events.Decode(&event); err != nil {
			return version, true, nil // the server ends each connection after some minutes
		}
		of := event.Object.Metadata
		switch event.Type {
		case "ADDED", "MODIFIED":
			n.change(of.Name, event.Object.project())
		case "DELETED":
			n.change(of.Name, "")
		case "BOOKMARK":
		default: // ERROR: mostly a version that is too old
			return version, false, nil
		}
		version = of.ResourceVersion
	}
}
