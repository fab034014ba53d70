package source

import (
	"context"
	"strings"
)

// Resolve is the full commit that a name of git's, such as HEAD~1 or a beginning of the
// commit, stands for in a checkout; "" if it stands for none there.
func Resolve(ctx context.Context, dir, name string) (string, error) {
	out, err := git{dir: dir}.run(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	if err != nil {
		return "", nil //nolint:nilerr // no git, no checkout, no such name: it stands for none
	}
	return strings.TrimSpace(out), nil
}
