package kubernetes

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Rehearse plans the release and has the server check every object of it, so
// that a mistake in one is found before there is an image. It writes nothing.
func (d *Deployer) Rehearse(ctx context.Context, r Release) error {
	p, err := d.Plan(ctx, r)
	if err != nil {
		return err
	}
	return each(ctx, len(p.Objects), func(ctx context.Context, i int) error {
		o := p.Objects[i]
		if _, _, err := d.applyObject(ctx, o, r.App, DryRunServer); err != nil && !leftToApply(err) {
			return located(o, err)
		}
		return nil
	})
}

// leftToApply says that a rehearsal's failure need not be one of the real thing:
// the release brings the namespace itself, admission may mind the image that is
// not there yet, and a webhook may not take part in rehearsals.
func leftToApply(err error) bool {
	return apierrors.IsNotFound(err) || errors.Is(err, kube.ErrForbidden) || strings.Contains(err.Error(), "does not support dry run")
}
