//go:build linux

package catalog

import (
	"errors"
	"os"

	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// sayFurnished is how a process that nothing can be asked says that it is
// ready; the next process of that name is not.
func sayFurnished(l *service.Lab, name string) error {
	r, _ := l.Record(name)
	return process.WriteFile(l.Run(name+".ready"), []byte(r.ID()), 0o644)
}

func furnished(l *service.Lab, name string) error {
	r, _ := l.Record(name)
	if data, _ := os.ReadFile(l.Run(name + ".ready")); string(data) != r.ID() {
		return errors.New("it is not furnished yet")
	}
	return nil
}
