package artifactory

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// FuzzAnswers: whatever comes instead of Artifactory's JSON is an error or makes sense.
func FuzzAnswers(f *testing.F) {
	for _, text := range []string{
		`{"errors": [{"status": 404, "message": "File not found."}]}`, `{"errors": [{}]}`, `{"errors": {}}`,
		`{"size": "12", "created": "2015-01-01T10:10:10.000Z", "checksums": {"sha256": "00", "md5": ""}}`, `{"size": 12}`, `{"size": -1}`, `{"children": []}`,
		`{"repo": "a", "path": ".", "name": "b", "size": 3, "properties": [{"key": "ystack_app", "value": "x"}]}`, `null`, `<html>`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if said := message(data); !utf8.ValidString(said) || strings.ContainsAny(said, "\n\r\x00") {
			t.Errorf("message %q", said)
		}
		var one file
		if json.Unmarshal(data, &one) == nil {
			if i, err := one.info(store.Ref{Name: "a/b.qcow2"}); err == nil && (i.Size < 0 || i.Format != "qcow2") {
				t.Errorf("%+v", i)
			}
		}
		var item found
		if json.Unmarshal(data, &item) == nil {
			if all, err := infos(store.Ref{Scheme: store.Artifactory, Host: "h"}, []found{item}); err == nil && all[0].Size < 0 {
				t.Errorf("%+v", all)
			}
		}
	})
}
