package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/completion"
)

// Args are the arguments of a process. Called by the name under which kubectl looks for
// the completion of its plugin, it completes.
func Args(argv []string) []string {
	if strings.TrimSuffix(filepath.Base(argv[0]), ".exe") == completion.Program {
		return append([]string{cobra.ShellCompRequestCmd}, argv[1:]...)
	}
	return argv[1:]
}

const aboutScripts = `Prints the script that makes a shell complete %[1]s:

  source <(%[1]s completion bash)             # into ~/.bashrc; needs bash-completion
  source <(%[1]s completion zsh)              # into ~/.zshrc
  %[1]s completion fish | source              # into ~/.config/fish/config.fish
  %[1]s completion powershell | Out-String | Invoke-Expression   # into $PROFILE

Names that a server knows are asked for, with 1.5 seconds of patience, and remembered for
20 seconds in $XDG_CACHE_HOME/ystack/completion. Nobody is ever asked for a password.`

const aboutKubectl = `

"kubectl ystack" is completed by kubectl's own script (kubectl completion SHELL; kubectl
1.26 or newer), with the help of a program that "completion install" puts where kubectl
looks for it.`

// newCompletion is in place of cobra's, which knows nothing of kubectl. What bash gets
// beside it follows its script.
func newCompletion(env Env, bash string, sub ...*cobra.Command) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:       "completion " + strings.Join(shells, "|"),
		Short:     "Complete commands, flags and names with the TAB key",
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("say which shell: %s", strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				if err := root.GenBashCompletionV2(env.Out, true); err != nil {
					return err
				}
				_, err := io.WriteString(env.Out, bash)
				return err
			case "zsh":
				return root.GenZshCompletion(env.Out)
			case "fish":
				return root.GenFishCompletion(env.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(env.Out)
			}
			return usagef("no completion for %q: %s", args[0], strings.Join(shells, ", "))
		},
	}
	cmd.AddCommand(sub...)
	return cmd
}

func newKubectlCompletion(env Env) *cobra.Command {
	cmd := newCompletion(env, "", newCompletionInstall(env))
	cmd.Long = fmt.Sprintf(aboutScripts, "kubectl-ystack") + aboutKubectl
	return cmd
}

func newCompletionInstall(env Env) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Let kubectl complete `kubectl ystack`",
		Long: `Makes ` + completion.Program + `, which kubectl calls for what follows "kubectl ystack": a link to
the plugin, in the directory of the PATH where kubectl finds it, or in ~/.local/bin if that
one cannot be written to. Krew installs one link a plugin, and so not this one.

It can be called again; removing the link undoes it. kubectl's own completion must be on in
the shell: source <(kubectl completion bash).`,
		Example: examples(
			"kubectl ystack completion install",
			"kubectl ystack completion install --dir ~/bin"),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return installCompletion(env, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the directory to put it into (default: the plugin's, or ~/.local/bin)")
	return cmd
}

func installCompletion(env Env, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	done, err := completion.Install(completion.Place{Path: env.Getenv("PATH"), Home: env.home(), Dir: dir, Self: self})
	if err != nil {
		return err
	}
	what := "made"
	if done.Already {
		what = "is there"
	}
	fmt.Fprintf(env.Out, "%s %s (leads to %s)\n", done.File, what, done.Target)
	switch {
	case done.Found == "":
		fmt.Fprintf(env.Err, "warning: kubectl does not find it there: add %s to the PATH\n", filepath.Dir(done.File))
	case done.Found != done.File:
		fmt.Fprintf(env.Err, "warning: kubectl finds %s first, and calls that\n", done.Found)
	default:
		fmt.Fprintln(env.Out, "TAB completes `kubectl ystack` in shells that have kubectl's completion: source <(kubectl completion bash), or zsh; kubectl completion fish | source")
	}
	return nil
}
