package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// act does what the user has said yes to, and says how it went.
func (h *hub) act(w Want) {
	if h.ReadOnly {
		return
	}
	said, err := h.do(w)
	if err != nil {
		h.send(Done{w.Action.Label + ": " + explain(err), true})
		return
	}
	h.send(Done{Text: said})
}

func (h *hub) do(w Want) (string, error) {
	if digest, ok := strings.CutPrefix(w.Action.Kind, "copy "); ok {
		h.send(clip(digest))
		return "copied " + digest + ", if this terminal allows it (OSC 52)", nil
	}
	switch w.Action.Kind {
	case "rerun":
		r := w.Row.Object.(pipeline.Run)
		if err := h.Rerun(r); err != nil {
			return "", err
		}
		return "the run of " + r.App + " has ended well", nil
	case "cancel":
		r := w.Row.Object.(pipeline.Run)
		if err := h.Store.Cancel(r.ID); err != nil {
			return "", err
		}
		return r.ID + " was told to end", nil
	case rollback.Kind:
		return h.rollback(h.ctx, w)
	}
	return "", fmt.Errorf("nobody knows how to %s", w.Action.Label)
}

func (h *hub) rollback(ctx context.Context, w Want) (string, error) {
	client, err := h.client(w.Origin)
	if err != nil {
		return "", err
	}
	name, namespace := w.Row.Cells[0].Text, w.Row.Cells[1].Text
	d := &kubernetes.Deployer{Client: client}
	results, err := d.Rollback(ctx, namespace, name, 0, kubernetes.DryRunNone)
	if err != nil {
		return "", err
	}
	var said []string
	for _, r := range results {
		said = append(said, fmt.Sprintf("%s: number %d (%s) in place of %d", r.To.Deployment, r.To.Number, short(r.To.Revision), r.From.Number))
	}
	return strings.Join(said, "; "), nil
}
