package tenancy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ystackdev/ystack/pkg/app"
)

// ErrMoved: a saved plan is not what would be planned now.
var ErrMoved = errors.New("keystone or the cluster has moved since the plan was saved")

const planKind = "TenantSyncPlan"

// MarshalJSON writes a plan with its kind, so that it is known again.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type plain Plan
	return json.Marshal(struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		*plain
	}{app.APIVersion, planKind, (*plain)(p)})
}

// ReadPlan reads what was written of a plan.
func ReadPlan(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	type plain Plan
	var saved struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		plain
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&saved); err != nil {
		return nil, fmt.Errorf("not a saved plan: %w", err)
	}
	if saved.Kind != planKind || saved.APIVersion != app.APIVersion {
		return nil, fmt.Errorf("not a saved plan: it is %s of %s, not %s of %s", quoted(saved.Kind), quoted(saved.APIVersion), planKind, app.APIVersion)
	}
	return (*Plan)(&saved.plain), nil
}

// CheckSame is nil if now, a plan made of the same config and options, does exactly what
// the saved one does, to the same state of the same objects.
func (p *Plan) CheckSame(now *Plan) error {
	if p.Server != now.Server {
		return fmt.Errorf("the plan is for the API server %s, and this is %s", p.Server, now.Server)
	}
	for _, x := range [][2][]Change{{p.Changes, now.Changes}, {p.Held, now.Held}} {
		if c := firstOnly(x[0], x[1]); c != nil {
			return moved("the plan alone has", *c)
		}
		if c := firstOnly(x[1], x[0]); c != nil {
			return moved("the plan lacks", *c)
		}
	}
	return nil
}

// firstOnly is the first change of a that b has not. Why it is made does not matter.
func firstOnly(a, b []Change) *Change {
	inB := make(map[string]bool, len(b))
	for _, c := range b {
		inB[hashOf(c.Action, c.Object)] = true
	}
	for _, c := range a {
		if !inB[hashOf(c.Action, c.Object)] {
			return &c
		}
	}
	return nil
}

func moved(what string, c Change) error {
	return &kindError{ErrMoved, fmt.Sprintf("%v: %s the change %q; look with --diff, and save another plan", ErrMoved, what, c)}
}
