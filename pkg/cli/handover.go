package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/completion"
)

// program is the part of `kubectl ystack` that has the screen. kubectl itself calls it if
// it finds it in the PATH; krew puts only the plugin there.
const program = completion.Plugin + "-tui"

// handedOver is the exit status of the program that was handed over to, which has said
// all that there is to say.
type handedOver struct{ status int }

func (h handedOver) Error() string { return fmt.Sprintf("%s ended with status %d", program, h.status) }

// handOver runs the program that has the screen, with the flags of this command.
func handOver(cmd *cobra.Command, env Env) error {
	path, err := beside(program)
	if err != nil {
		return err
	}
	child := exec.CommandContext(cmd.Context(), path, given(cmd)...)
	child.Stdin, child.Stdout, child.Stderr = env.In, env.Out, env.Err
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	err = child.Run()
	if exit, ended := errors.AsType[*exec.ExitError](err); ended && exit.ExitCode() > 0 {
		return handedOver{exit.ExitCode()}
	}
	return err
}

// given are the flags that were given, as one gives them.
func given(cmd *cobra.Command) []string {
	var args []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if list, several := f.Value.(pflag.SliceValue); several {
			value = strings.Join(list.GetSlice(), ",")
		}
		args = append(args, "--"+f.Name+"="+value)
	})
	return args
}

// beside is another program of ours: where this one lies, links followed, or in the PATH.
func beside(name string) (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err == nil {
		file := filepath.Join(filepath.Dir(self), name)
		if runtime.GOOS == "windows" {
			file += ".exe"
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	if file, err := exec.LookPath(name); err == nil {
		return file, nil
	}
	return "", fmt.Errorf("%s is neither beside %s nor in the PATH; it comes in the same archive: put it there", name, self)
}
