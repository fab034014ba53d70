package ironic

import "github.com/ystackdev/ystack/pkg/baremetal"

// step is what comes next on a node's way to a release.
type step int

const (
	wait   step = iota // Ironic is at it
	begin              // write down what is to be deployed
	start              // tell Ironic to
	finish             // write down that it was
	note               // the image is there already: write down what it is now for
	done
	failed
)

// next decides by what the node says alone, so that it does not matter who has come how
// far before. Tried tells that this run has begun it already: what fails then has failed.
func next(n *baremetal.Node, now record, want entry, tried bool) step {
	switch n.State {
	case baremetal.Deploying, baremetal.DeployWait, baremetal.DeployHold, "deploy complete":
		return wait
	case baremetal.Available, baremetal.Active, baremetal.DeployFailed:
	default:
		return failed
	}
	switch {
	case !now.sameContent(want):
		if tried {
			return failed // somebody else deploys to it
		}
		return begin
	case now.begun == "" && n.State == baremetal.Active:
		if now.same(want) && now.Number == want.Number {
			return done
		}
		return note
	case now.begun == "":
		return begin
	case now.begun == n.Changed:
		if !tried {
			return begin // whoever wrote it down may have meant another image of this content
		}
		return start
	case n.State == baremetal.Active:
		return finish
	case tried:
		return failed
	}
	return begin
}
