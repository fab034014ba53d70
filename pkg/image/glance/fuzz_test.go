package glance

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// FuzzParse: nothing that Glance, or what stands before it, says makes us panic or
// take half an image for a whole one.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"id": "a", "name": "b", "status": "active", "size": 3, "os_hash_algo": "sha512", "os_hash_value": "00", "ystack_app": "x"}`,
		`{"id": "a", "status": "active", "ystack_unfinished": "true"}`,
		`{"images": [{"id": "a", "status": "queued", "size": null}], "next": "/v2/images?marker=a"}`,
		`{"images": [null]}`, `{"message": "no"}`, "404 Not Found\n\nNo image found with ID x\n\n   ", "<html><body>x</body></html>", `null`, `[]`, `{"tasks": [{"status": "failure", "message": "x", "updated_at": "2026"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if said := message(data); !utf8.ValidString(said) || strings.ContainsAny(said, "\n\r\x00") {
			t.Errorf("message %q", said)
		}
		if r, err := parse(data); err == nil {
			i := r.info(store.Ref{}, "p")
			if _, half := i.Properties[unfinished]; half && i.State == store.Active {
				t.Error("an unfinished image is active")
			}
			if i.ID == "" || i.State == "" {
				t.Errorf("%+v", i)
			}
		}
		_, _ = lastTask(data)
		if page, next, err := parseList(data); err == nil {
			for _, r := range page {
				_ = r.info(store.Ref{}, "")
			}
			if next != "" && !strings.HasPrefix(next, "/v2/images") {
				t.Errorf("next page %q", next)
			}
		}
	})
}
