package nova

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestRecord(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var before []record
	for n := int64(15); n > 0; n-- {
		before = append(before, record{Number: n, Image: "i", SHA256: "s", Revision: "r", By: "Ann B. <ann@example>", Deployed: at})
	}
	before[0].SHA256, before[0].Revision, before[0].By = "", "", ""
	r := record{
		Number: 16, Image: "image", SHA256: "sum", Revision: "rev", Run: "run", By: "ann", Source: "https://code.example/x", Generation: "g", Deployed: at,
	}
	m := r.metadata("hello", "shape", 3, before)
	if m[keyApp] != "hello" || m[keyOrdinal] != "3" || m[keyShape] != "shape" {
		t.Errorf("%v", m)
	}
	if diff := cmp.Diff(r, recordOf(m)); diff != "" {
		t.Error(diff)
	}
	old := server{Metadata: map[string]string{keyHistory + "2": "i s r 2026-11-25T12:00:00Z ann", keyHistory + "x": "", keyHistory + "3": "i"}}
	old.record = record{Number: 1, Image: "first"}
	all := past([]server{{Metadata: m, record: r}, old})
	if len(all) != 1+remember+2 || all[0].Number != 16 || all[10].Number != 6 || all[11].By != "ann" || all[12].Image != "first" {
		t.Errorf("%+v", all)
	}
	if diff := cmp.Diff(before[:remember], all[1:11]); diff != "" {
		t.Error(diff)
	}
}

// FuzzRecord: what goes into metadata fits there, and a history comes back.
func FuzzRecord(f *testing.F) {
	f.Add("image", "sum", "revision", "somebody <a@b>", "https://code.example")
	f.Add("", "", "", "", strings.Repeat("ä", 300))
	f.Fuzz(func(t *testing.T, image, sum, revision, by, source string) {
		r := record{Number: 2, Image: image, SHA256: sum, Revision: revision, By: by, Source: source}
		m := r.metadata("app", "shape", 0, []record{{Number: 1, Image: image, SHA256: sum, Revision: revision, By: by}})
		for key, value := range m {
			if utf8.RuneCountInString(value) > longest {
				t.Errorf("%s has %d characters", key, utf8.RuneCountInString(value))
			}
		}
		all := earlier(m)
		words := strings.ContainsAny(image+sum+revision, " -") || image == "" || len(image+sum+revision+by) > 200
		if !words && (len(all) != 1 || all[0].Image != image || all[0].SHA256 != sum || all[0].Revision != revision || all[0].By != by) {
			t.Errorf("%q is read as %+v", m, all)
		}
	})
}
