package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoDelivery: nothing is known of such a delivery.
var ErrNoDelivery = errors.New("no such delivery")

// Deliveries are all that are known, newest first.
func (b *Book) Deliveries() []Delivery {
	all := make([]Delivery, 0, len(b.order))
	for _, d := range slices.Backward(b.order) {
		all = append(all, d.copy())
	}
	return all
}

// Find returns the delivery whose id is name or begins with it.
func (b *Book) Find(name string) (Delivery, error) {
	if d := b.byID[name]; d != nil {
		return d.copy(), nil
	}
	var found []*Delivery
	for _, d := range b.order {
		if name != "" && strings.HasPrefix(d.ID, name) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0].copy(), nil
	case 0:
		return Delivery{}, fmt.Errorf("%w: %q; `pipeline deliveries list` shows those that there are", ErrNoDelivery, name)
	}
	return Delivery{}, fmt.Errorf("%w: %q begins %d ids", ErrNoDelivery, name, len(found))
}
