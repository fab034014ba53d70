package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"

	"github.com/ystackdev/ystack/pkg/build"
)

// sum computes the hash of all that decides what is in the image: the application's
// directory but for what it says is not, the template's or the elements' if that is another, the tool, and what else the
// builder says.
func (p *Plan) sum(more map[string]any) error {
	more["inputs"], more["tool"] = 1, p.Tool
	p.more = more
	return p.resum()
}

func (p *Plan) resum() (err error) {
	more := maps.Clone(p.more)
	if more["directory"], err = build.SumDir(p.Dir, p.Ignore); err != nil {
		return err
	}
	if p.root != p.Dir {
		if more["source"], err = build.SumDir(p.root, nil); err != nil {
			return err
		}
	}
	data, err := json.Marshal(more) // sorts
	if err != nil {
		return err
	}
	h := sha256.Sum256(data)
	p.Inputs = hex.EncodeToString(h[:])
	return nil
}
