package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// Targets are the kinds of targets that the application is built for and deployed to,
// or those of them that are wanted.
func Targets(a *app.Application, wanted []string) ([]string, error) {
	images, to := a.Spec.Images, a.Spec.Deploy
	both := map[string][2]bool{
		deploy.Container: {images.Container != nil, to.Container != nil},
		deploy.VM:        {images.VM != nil, to.VM != nil},
		deploy.Baremetal: {images.Baremetal != nil, to.Baremetal != nil},
	}
	for _, kind := range wanted {
		if !slices.Contains(deploy.Kinds, kind) {
			return nil, fmt.Errorf("there is no target %q: %s", kind, strings.Join(deploy.Kinds, ", "))
		}
		if both[kind] != [2]bool{true, true} {
			return nil, fmt.Errorf("%s: spec.images.%[2]s and spec.deploy.%[2]s are both needed for the target %[2]s; see `kubectl ystack schema application`", a.Path, kind)
		}
	}
	var kinds []string
	for _, kind := range deploy.Kinds {
		if both[kind] == [2]bool{true, true} && (len(wanted) == 0 || slices.Contains(wanted, kind)) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("%s: nothing to run: spec.images.container and spec.deploy.container are both needed, or the same of vm or baremetal; see `kubectl ystack schema application`", a.Path)
	}
	return kinds, nil
}
