package cli

import (
	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/image/glance"
	"github.com/ystackdev/ystack/pkg/image/store"
)

func newNode(env Env, flags openStackFlags) *cobra.Command {
	cmd := group("node", "Machines of metal: enroll them in Ironic, and see what runs on them",
		newNodeEnroll(env, flags), newNodeList(env, flags))
	return cmd
}

// ironicClient is that of the cloud in use.
func ironicClient(env Env, flags openStackFlags) (*baremetal.Client, error) {
	stores := &imageStores{env: env, flags: flags}
	inUse, err := stores.open(store.Ref{Scheme: store.Glance})
	if err != nil {
		return nil, err
	}
	return &baremetal.Client{Session: inUse.(*glance.Store).Session}, nil
}
