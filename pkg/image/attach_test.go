package image_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ystackdev/ystack/pkg/image"
)

const noteType = "application/vnd.example.note.v1+json"

func note(name, text string) image.Document {
	return image.Document{Type: noteType, Name: name, Annotations: map[string]string{"by": name}, Content: []byte(text)}
}

// eachKind is eachRegistry, and a registry that lists referrers itself.
func eachKind(t *testing.T, test func(t *testing.T, host string)) {
	eachRegistry(t, test)
	t.Run("with referrers", func(t *testing.T) {
		server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
		defer server.Close()
		test(t, strings.TrimPrefix(server.URL, "http://"))
	})
}

func contents(documents []image.Document) []string {
	var all []string
	for _, d := range documents {
		all = append(all, string(d.Content))
	}
	slices.Sort(all)
	return all
}

func TestAttach(t *testing.T) {
	eachKind(t, func(t *testing.T, host string) {
		img := must(random.Image(64, 1))(t)
		push(t, host+"/apps/hello:1", img)
		ref := host + "/apps/hello@" + must(img.Digest())(t).String()
		client := &image.Client{}
		for range 2 { // the second time there is nothing to do
			for _, d := range []image.Document{note("a", `{"a":1}`), note("b", `{"b":1}`), {Type: "other/type", Name: "a", Content: []byte("x")}} {
				if err := client.Attach(t.Context(), ref, d); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := must(client.Attached(t.Context(), ref, noteType))(t)
		if diff := cmp.Diff([]string{`{"a":1}`, `{"b":1}`}, contents(got)); diff != "" {
			t.Error(diff)
		}
		if found := must(client.FindAttached(t.Context(), host+"/apps/hello", noteType, "b"))(t); len(found) != 1 || found[0].Annotations["by"] != "b" {
			t.Errorf("found %+v", found)
		}
		if found := must(client.FindAttached(t.Context(), host+"/apps/hello", noteType, "c"))(t); len(found) != 0 {
			t.Errorf("found %+v", found)
		}
		// Other tools find them as the specification says.
		listed := must(must(remote.Referrers(must(name.NewDigest(ref))(t)))(t).IndexManifest())(t)
		if len(listed.Manifests) != 3 {
			t.Errorf("%d are listed, want 3", len(listed.Manifests))
		}
	})
}

// TestAttachAtOnce: nobody takes away what another adds.
func TestAttachAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, host string) {
		img := must(random.Image(64, 1))(t)
		push(t, host+"/apps/hello:1", img)
		ref := host + "/apps/hello@" + must(img.Digest())(t).String()
		var want []string
		var writers sync.WaitGroup
		for i := range 12 {
			text := fmt.Sprintf(`{"writer":%02d}`, i)
			want = append(want, text)
			writers.Go(func() {
				if err := (&image.Client{}).Attach(t.Context(), ref, note(fmt.Sprint(i), text)); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		got := must((&image.Client{}).Attached(t.Context(), ref, noteType))(t)
		if diff := cmp.Diff(want, contents(got)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAttachToNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, host string) {
		ref := host + "/apps/hello@sha256:" + strings.Repeat("0", 64)
		if err := (&image.Client{}).Attach(t.Context(), ref, note("a", "{}")); !errors.Is(err, image.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := (&image.Client{}).Attached(t.Context(), ref, noteType); err != nil && !errors.Is(err, image.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestIsAbout(t *testing.T) {
	hex := strings.Repeat("0a", 32)
	for tag, want := range map[string]bool{
		"sha256-" + hex: true, "sha256-" + hex + ".0123456789ab": true, "sha256-" + hex + ".sig": true,
		hex: false, "sha256-" + hex[1:]: false, "sha256-": false, "latest": false,
	} {
		if got := image.IsAbout(tag); got != want {
			t.Errorf("IsAbout(%q) = %t", tag, got)
		}
	}
}
