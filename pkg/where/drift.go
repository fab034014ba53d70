package where

import (
	"fmt"
	"strings"
)

// drift says what is wrong with a workload, in sentences without their first word, which
// is its name.
func (x *search) drift(w Workload) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch {
	case w.Image == "" && w.Has == "":
		say("has no record of what it runs")
	case w.Image == "":
		say("runs %s, and has no record of it", w.Has)
	case w.Has != "":
		say("runs %s, but its record says %s: it was changed by hand", w.Has, w.Image)
	case w.unnamed:
		say("runs %s, and neither its record nor the image says what that was built from", w.Image)
	}
	if w.gone {
		if others := x.others(w); len(others) > 0 {
			say("needs %s, which is gone from there; it is still at %s", w.Image, strings.Join(others, ", "))
		} else {
			say("needs %s, which is no longer anywhere: another replica could not start", w.Image)
		}
	}
	return all
}

// others are the places that have the workload's image.
func (x *search) others(w Workload) []string {
	var all []string
	for _, i := range x.picked {
		if w.Digest != "" && i.Digest == w.Digest {
			all = append(all, i.Ref.String())
		}
	}
	return all
}
