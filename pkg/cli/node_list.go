package cli

import (
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy/ironic"
)

var nodeColumns = []string{"Name", "State", "Resource Class", "Application", "Revision", "Image", "Since", "Note"}

func newNodeList(env Env, flags openStackFlags) *cobra.Command {
	var out *openStackOutput
	var class string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the nodes of Ironic: their states, what runs on them, and since when",
		Long: `Lists the nodes of the cloud's Ironic that the user may see. Application, revision, image and
time are what ystack has written on a node when it deployed to it. The note says what keeps a
node from being used, and what went wrong last.`,
		Example: examples(
			"openstack ystack node list",
			"openstack ystack node list --resource-class small -f json",
			"openstack ystack node list -f value -c Name -c Revision"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(nodeColumns); err != nil {
				return err
			}
			client, err := ironicClient(env, flags)
			if err != nil {
				return err
			}
			nodes, err := client.Nodes(cmd.Context(), class)
			if err != nil {
				return err
			}
			sort.Slice(nodes, func(i, j int) bool { return nodes[i].String() < nodes[j].String() })
			return out.list(env.Out, nodeRows(nodes))
		},
	}
	out = addOpenStackOutput(cmd)
	cmd.Flags().StringVar(&class, "resource-class", "", "only nodes of this resource class")
	return cmd
}

func nodeRows(nodes []*baremetal.Node) rows {
	r := rows{columns: nodeColumns}
	for _, n := range nodes {
		on := ironic.Running(n)
		r.cells = append(r.cells, []any{n.String(), n.State, n.ResourceClass, on.App, on.Revision, on.Image, utc(on.Deployed), nodeNote(n)})
	}
	return r
}

// noteWidth is enough to see what an error is about; openstack baremetal node show has all of it.
const noteWidth = 100

// nodeNote is what a person should know of a node beside its state.
func nodeNote(n *baremetal.Node) string {
	var notes []string
	if why := n.Busy(); why != "" && why != "is "+n.State && n.Allocation == "" || n.Maintenance {
		notes = append(notes, why)
	}
	if n.Reservation != "" {
		notes = append(notes, "is locked by "+n.Reservation)
	}
	if n.LastError != "" {
		notes = append(notes, fit(baremetal.Line(n.LastError), noteWidth))
	}
	return strings.Join(notes, "; ")
}
