package glance

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// unfinished marks images that we are about to fill. Glance keeps no half of an image as
// a whole one; but an image that is whole and not yet checked has this too.
const unfinished = "ystack_unfinished"

// record is an image as Glance tells it: fields of its own, and properties beside them.
type record struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Status     string    `json:"status"`
	Size       *int64    `json:"size"`
	Format     string    `json:"disk_format"`
	Owner      string    `json:"owner"`
	Visibility string    `json:"visibility"`
	Protected  bool      `json:"protected"`
	Tags       []string  `json:"tags"`
	Checksum   string    `json:"checksum"`
	HashName   string    `json:"os_hash_algo"`
	HashValue  string    `json:"os_hash_value"`
	Created    time.Time `json:"created_at"`
	Updated    time.Time `json:"updated_at"`
	MinDisk    int64     `json:"min_disk"`
	MinRAM     int64     `json:"min_ram"`

	properties map[string]string
}

// own are the fields that are no properties.
func own() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"id", "name", "status", "size", "virtual_size", "disk_format", "container_format", "owner", "visibility", "protected",
		"tags", "checksum", "os_hash_algo", "os_hash_value", "os_hidden", "created_at", "updated_at", "min_disk", "min_ram",
		"self", "file", "schema", "stores", "locations", "direct_url",
	} {
		names[name] = true
	}
	return names
}

// UnmarshalJSON reads fields and properties from one object.
func (r *record) UnmarshalJSON(data []byte) error {
	type fields record
	if err := json.Unmarshal(data, (*fields)(r)); err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	r.properties = map[string]string{}
	known := own()
	for name, value := range all {
		if text, ok := value.(string); ok && !known[name] {
			r.properties[name] = text
		}
	}
	for name, value := range map[string]int64{"min_disk": r.MinDisk, "min_ram": r.MinRAM} {
		if value > 0 {
			r.properties[name] = strconv.FormatInt(value, 10)
		}
	}
	return nil
}

// info is the image as the other stores tell theirs.
func (r *record) info(of store.Ref, project string) store.Info {
	i := store.Info{
		Ref: of, ID: r.ID, Size: -1, Format: r.Format, State: r.Status, Properties: r.properties, Created: r.Created,
		Visibility: r.Visibility, Protected: r.Protected, Tags: r.Tags, Digests: store.Digests{},
		Foreign: project != "" && r.Owner != project,
	}
	if r.Size != nil {
		i.Size = *r.Size
	}
	if r.HashName != "" && r.HashValue != "" {
		i.Digests[r.HashName] = r.HashValue
	} else if r.Checksum != "" {
		i.Digests["md5"] = r.Checksum
	}
	if _, half := r.properties[unfinished]; half && i.State == store.Active {
		i.State = "unchecked"
	}
	return i
}

// parse reads a description of one image.
func parse(data []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil || r.ID == "" || r.Status == "" {
		return nil, fmt.Errorf("this describes no image: %s", plain(string(data)))
	}
	return &r, nil
}
