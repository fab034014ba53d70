//go:build linux

package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/ystackdev/ystack/lab/bird"
	"github.com/ystackdev/ystack/lab/service"
)

const nodeStatusesURL = apiURL + "/apis/crd.projectcalico.org/v1/caliconodestatuses"

// nodeStatus does what calico-node does for whoever asks by a CalicoNodeStatus
// object: it writes the state of the node's BIRD into it.
func nodeStatus() *service.Service {
	return &service.Service{
		Name:    "node-status",
		Needs:   []string{"bird", "kube-apiserver"},
		Command: func(l *service.Lab) []string { return []string{l.Bin("lab"), "node-status"} },
		Ready:   func(_ context.Context, l *service.Lab) error { return furnished(l, "node-status") },
	}
}

// NodeStatus is what its process does.
func NodeStatus(ctx context.Context, l *service.Lab) error {
	if err := sayFurnished(l, "node-status"); err != nil {
		return err
	}
	for {
		if err := reportNode(ctx, l, time.Now()); err != nil {
			fmt.Fprintln(os.Stderr, err) // and again in a second
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// nodeStatusObject is a CalicoNodeStatus, as far as it matters here.
type nodeStatusObject struct {
	Metadata struct{ Name string }
	Spec     struct {
		Node                string
		UpdatePeriodSeconds int
	}
	Status struct{ LastUpdated time.Time }
}

// due says whether the object wants a report now: every so often, or once.
func (o nodeStatusObject) due(now time.Time) bool {
	if o.Spec.Node != nodeName {
		return false
	}
	period := time.Duration(o.Spec.UpdatePeriodSeconds) * time.Second
	return o.Status.LastUpdated.IsZero() || period > 0 && now.Sub(o.Status.LastUpdated) >= period
}

func reportNode(ctx context.Context, l *service.Lab, now time.Time) error {
	body, err := get(ctx, l, nodeStatusesURL)
	if err != nil {
		return err
	}
	var list struct{ Items []nodeStatusObject }
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	for _, o := range list.Items {
		if !o.due(now) {
			continue
		}
		report := struct {
			bird.Report
			LastUpdated string `json:"lastUpdated"`
		}{bird.Read(ctx, l.Run("bird.ctl")), now.UTC().Format(time.RFC3339)}
		if err := mergePatch(ctx, l, nodeStatusesURL+"/"+o.Metadata.Name, map[string]any{"status": report}); err != nil {
			return err
		}
	}
	return nil
}

// mergePatch changes an object of the API server. One that is gone is left alone.
func mergePatch(ctx context.Context, l *service.Lab, url string, patch any) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/merge-patch+json")
	response, err := transport(l).RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNotFound {
		return fmt.Errorf("PATCH %s: %s", url, response.Status)
	}
	return nil
}
