package build

import (
	"regexp"
	"sync"
)

// pattern compiles an expression when it is first used: most commands never
// read a builder's output, and should not pay for it at their start.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
