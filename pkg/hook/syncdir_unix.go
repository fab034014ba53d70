//go:build unix

package hook

import (
	"errors"
	"os"
)

// syncDir makes a new or renamed file in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
