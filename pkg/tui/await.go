package tui

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/ystackdev/ystack/pkg/kube"
)

// onlyMetadata asks for objects without their contents.
const onlyMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// kindPath is a kind, or those of its objects that have a label.
type kindPath struct{ path, selector string }

// position is a kind as it was at a moment.
type position struct {
	kindPath
	version string
}

// mark remembers where kinds are now, to be told of what changes after that. Kinds that
// cannot be read are left out.
func mark(ctx context.Context, client *kube.Client, kinds []kindPath) []position {
	var marks []position
	for _, k := range kinds {
		q := url.Values{"limit": {"1"}}
		if k.selector != "" {
			q.Set("labelSelector", k.selector)
		}
		body, err := client.Get(ctx, k.path, q, onlyMetadata)
		var p page
		if err == nil && json.Unmarshal(body, &p) == nil {
			marks = append(marks, position{k, p.Metadata.ResourceVersion})
		}
	}
	return marks
}

// await returns when one of the kinds has changed since, or the user wants to know anew,
// and settled for a moment; or, with false, when the time is over.
func (f *feed) await(ctx context.Context, client *kube.Client, marks []position, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	changed := make(chan struct{}, len(marks))
	for _, m := range marks {
		go func() {
			if awaitChange(ctx, client, m) {
				changed <- struct{}{}
			}
		}()
	}
	select {
	case <-ctx.Done():
		return false
	case <-f.refresh:
		return true
	case <-changed:
		f.pause(ctx, time.Second)
		return true
	}
}

// awaitChange reports whether there was a change, or the watch is over.
func awaitChange(ctx context.Context, client *kube.Client, m position) bool {
	q := url.Values{"watch": {"1"}, "resourceVersion": {m.version}}
	if m.selector != "" {
		q.Set("labelSelector", m.selector)
	}
	response, err := client.Open(ctx, m.path, q, onlyMetadata)
	if err != nil {
		return ctx.Err() == nil
	}
	defer response.Body.Close()
	var c change
	_ = json.NewDecoder(response.Body).Decode(&c) // also its end says: look again
	return ctx.Err() == nil
}
