package nova

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// Microversions of Nova that rebuilding needs.
const (
	rebuildVersion = 57 // key pair and user data can be others than before
	volumeVersion  = 93 // the volume that a server boots from is made anew
)

// checkRebuild refuses what a rebuild cannot do.
func (p *plan) checkRebuild(ctx context.Context, d decision) error {
	if len(d.rebuild) == 0 {
		return nil
	}
	version, err := p.t.cloud.version(ctx)
	if err != nil {
		return err
	}
	if version < rebuildVersion {
		return fmt.Errorf("strategy rebuild needs Nova's microversion 2.%d, and %s has 2.%d; use blue-green", rebuildVersion, p.t.Place(), version)
	}
	for _, s := range d.rebuild {
		if shape := s.Metadata[keyShape]; shape != p.recipe.shape() {
			return fmt.Errorf("server %s was made with another flavor, other networks or other security groups, which a rebuild keeps; use strategy blue-green for this once", s.Name)
		}
		if s.volumeBacked() && version < volumeVersion {
			return fmt.Errorf("server %s boots from a volume; to rebuild it needs Nova's microversion 2.%d, and %s has 2.%d; use blue-green",
				s.Name, volumeVersion, p.t.Place(), version)
		}
	}
	return nil
}

// version is the newest microversion, without its "2."; any answer of Nova's tells it.
func (c cloud) version(ctx context.Context) (int, error) {
	answer, _, err := c.session.Call(ctx, keystone.ServiceCall{
		Method: http.MethodGet, Service: compute, Path: "/flavors?limit=1", Header: http.Header{versionHeader: {"compute latest"}},
	})
	if err != nil {
		return 0, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return 0, &refusedError{answer.StatusCode, fmt.Sprintf("ask Nova for its microversion: it answers %d; try again", answer.StatusCode)}
	}
	minor, _ := strings.CutPrefix(answer.Header.Get(versionHeader), "compute 2.")
	version, err := strconv.Atoi(minor)
	if err != nil {
		return 1, nil //nolint:nilerr // it is from before there were any
	}
	return version, nil
}

// rebuild brings servers that run something else to the release, a few at a time. Those
// that are broken come first: they serve nobody.
func (p *plan) rebuild(ctx context.Context, report deploy.Report) error {
	if !p.inPlace() {
		return nil
	}
	for {
		d, err := p.see(ctx)
		if err != nil || len(d.rebuild) == 0 {
			return err
		}
		// What has been made so far must be well before more is taken out of service.
		if err := p.await(ctx, report, slices.Collect(maps.Keys(d.keep))); err != nil {
			return err
		}
		sort.SliceStable(d.rebuild, func(i, j int) bool { return d.rebuild[i].broken() && !d.rebuild[j].broken() })
		for _, s := range d.rebuild[:min(len(d.rebuild), max(1, int(p.t.spec.MaxUnavailable)))] {
			report("rebuilding server "+s.Name, item(s))
			if err := p.rebuildOne(ctx, s); err != nil {
				return fmt.Errorf("server %s: %w", s.Name, err)
			}
		}
	}
}

// rebuildOne makes the disk anew; the record changes in the same request. Told twice it
// does so once more, which is wasteful but right; so it is told until Nova has heard.
func (p *plan) rebuildOne(ctx context.Context, s server) error {
	version, err := p.t.cloud.version(ctx)
	if err != nil {
		return err
	}
	body := map[string]any{
		"imageRef": p.record.Image, "name": p.name(s.ordinal), "key_name": nil, "user_data": nil,
		"metadata": s.merged(p.record.metadata(p.t.app, p.recipe.shape(), s.ordinal, p.before)),
	}
	if p.recipe.key != "" {
		body["key_name"] = p.recipe.key
	}
	if len(p.recipe.userData) > 0 {
		body["user_data"] = base64.StdEncoding.EncodeToString(p.recipe.userData)
	}
	for start := time.Now(); ; {
		err := p.t.cloud.action(ctx, s.ID, fmt.Sprintf("2.%d", min(version, volumeVersion)), map[string]any{"rebuild": body})
		if !passing(err) && !answered(err, http.StatusConflict) || time.Since(start) > patience {
			return err
		}
		d, seen := p.see(ctx)
		if seen != nil {
			return errors.Join(err, seen)
		}
		if now, is := d.keep[s.ordinal]; is && now.ID == s.ID {
			return nil // it was heard
		}
		if cause := deploy.Pause(ctx, 3*time.Second); cause != nil {
			return fmt.Errorf("%w (%w)", cause, err)
		}
	}
}
