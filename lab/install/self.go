//go:build linux

package install

import (
	"os"

	"github.com/ystackdev/ystack/lab/process"
)

// Self copies the running program to file: go run would take it away.
func Self(file string) error {
	me, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(me)
	if err != nil {
		return err
	}
	return process.WriteFile(file, data, 0o755)
}
