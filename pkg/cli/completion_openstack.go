package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// afterClient makes bash complete `openstack ystack` by openstack-ystack, and all else as
// the client's own script does, if that was sourced before.
const afterClient = `
__openstack_ystack()
{
    local before=${#COMP_LINE}
    if [[ ${COMP_WORDS[1]} == ystack && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=(openstack-ystack "${COMP_WORDS[@]:2}")
        COMP_CWORD=$((COMP_CWORD - 1))
        COMP_LINE="openstack-ystack ${COMP_LINE#*ystack }"
        COMP_POINT=$((COMP_POINT + ${#COMP_LINE} - before))
        __start_openstack-ystack
        return
    fi
    if declare -F _openstack >/dev/null; then
        _openstack "$@"
    fi
    if [[ $COMP_CWORD -eq 1 && ystack == "${COMP_WORDS[1]}"* ]]; then
        COMPREPLY+=(ystack)
    fi
}
complete -o default -F __openstack_ystack openstack
`

const aboutClient = `

In bash the script completes "openstack ystack", too; source it after that of the client
(openstack complete).`

func newOpenStackCompletion(env Env) *cobra.Command {
	cmd := newCompletion(env, afterClient)
	cmd.Long = fmt.Sprintf(aboutScripts, "openstack-ystack") + aboutClient
	return cmd
}
