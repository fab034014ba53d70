package image_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
)

// eachRegistry runs a test against the in-process registry and the real one.
func eachRegistry(t *testing.T, test func(t *testing.T, host string)) {
	t.Run("in-process", func(t *testing.T) {
		server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
		defer server.Close()
		test(t, strings.TrimPrefix(server.URL, "http://"))
	})
	t.Run("docker-registry", func(t *testing.T) { test(t, registrytest.Start(t)) })
}

func push(t *testing.T, ref string, what remote.Taggable) {
	t.Helper()
	if err := remote.Push(must(name.ParseReference(ref))(t), what); err != nil {
		t.Fatal(err)
	}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func labelled(t *testing.T, labels map[string]string) v1.Image {
	t.Helper()
	img := must(random.Image(64, 1))(t)
	return must(mutate.Config(img, v1.Config{Labels: labels}))(t)
}

func index(t *testing.T, arch string, labels map[string]string) v1.ImageIndex {
	t.Helper()
	return mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: labelled(t, map[string]string{"of": "another"}), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: labelled(t, labels), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
}

func TestDigestLabelsTag(t *testing.T) {
	eachRegistry(t, func(t *testing.T, host string) {
		ctx, client := t.Context(), &image.Client{Keychain: authn.NewMultiKeychain()}
		img := labelled(t, map[string]string{"a": "b"})
		push(t, host+"/app:1", img)
		want := must(img.Digest())(t).String()

		if got := must(client.Digest(ctx, host+"/app:1"))(t); got != want {
			t.Errorf("Digest = %s, want %s", got, want)
		}
		digest, labels, err := client.Labels(ctx, host+"/app@"+want)
		if err != nil || digest != want || labels["a"] != "b" {
			t.Errorf("Labels = %s %v %v", digest, labels, err)
		}
		if err := client.Tag(ctx, host+"/app@"+want, "two"); err != nil {
			t.Fatal(err)
		}
		if got := must(client.Digest(ctx, host+"/app:two"))(t); got != want {
			t.Errorf("after Tag: %s, want %s", got, want)
		}
		if err := client.Tag(ctx, host+"/app:1", "not/a tag"); err == nil {
			t.Error("Tag took an invalid tag")
		}
		if _, err := client.Digest(ctx, host+"/app:none"); !errors.Is(err, image.ErrNotFound) {
			t.Errorf("Digest of nothing = %v", err)
		}
	})
}

func TestLabelsOfIndex(t *testing.T) {
	eachRegistry(t, func(t *testing.T, host string) {
		ctx, client := t.Context(), &image.Client{}
		idx := index(t, runtime.GOARCH, map[string]string{"of": "this"})
		push(t, host+"/multi:1", idx)
		digest, labels, err := client.Labels(ctx, host+"/multi:1")
		if err != nil || labels["of"] != "this" || digest != must(idx.Digest())(t).String() {
			t.Errorf("Labels = %s %v %v", digest, labels, err)
		}
		push(t, host+"/foreign:1", index(t, "riscv64", nil))
		if _, _, err := client.Labels(ctx, host+"/foreign:1"); !errors.Is(err, image.ErrNotFound) {
			t.Errorf("Labels of a foreign index = %v, want not found", err)
		}
	})
}

func TestPushSkipsWhatIsThere(t *testing.T) {
	eachRegistry(t, func(t *testing.T, host string) {
		client := &image.Client{}
		img := labelled(t, nil)
		for range 2 {
			digest, err := client.Push(t.Context(), host+"/app:1", img)
			if want := must(img.Digest())(t).String(); err != nil || digest != want {
				t.Fatalf("Push = %s %v, want %s", digest, err, want)
			}
		}
	})
}

func TestResolveBase(t *testing.T) {
	eachRegistry(t, func(t *testing.T, host string) {
		img := labelled(t, nil)
		digest := must(img.Digest())(t).String()
		push(t, host+"/first/golang:1.26", img)
		push(t, host+"/second/library/golang:1.25", img)
		push(t, host+"/second/user/tool:latest", img)
		bases := []string{host + "/first", host + "/second/"}
		tests := []struct {
			name  string
			place string
			tried []string
		}{
			{name: "golang:1.26", place: "/first/golang"},
			{name: "library/golang:1.26", place: "/first/golang"},
			{name: "docker.io/library/golang:1.26", place: "/first/golang"},
			{name: "docker.io/golang:1.26@" + digest, place: "/first/golang"},
			{name: "golang:1.25", place: "/second/library/golang", tried: []string{"/first/golang:1.25", "/first/library/golang:1.25", "/second/golang:1.25"}},
			{name: "user/tool", place: "/second/user/tool", tried: []string{"/first/user/tool:latest"}},
			{name: host + "/second/user/tool:latest", place: "/second/user/tool"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				got := must(new(image.Client).ResolveBase(t.Context(), test.name, bases))(t)
				want := image.Base{Name: test.name, Ref: host + test.place + "@" + digest, Digest: digest, Registry: host}
				for _, tried := range test.tried {
					want.Tried = append(want.Tried, host+tried)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestResolveBaseInNone(t *testing.T) {
	host := registrytest.Start(t)
	_, err := new(image.Client).ResolveBase(t.Context(), "golang:9", []string{host + "/a", host + "/b"})
	want := "base image golang:9: in none of H/a/golang:9, H/a/library/golang:9, H/b/golang:9, H/b/library/golang:9; " +
		"check the name, or add the registry that has it to spec.registries.bases of the site"
	if !errors.Is(err, image.ErrNotFound) || strings.ReplaceAll(err.Error(), host, "H") != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := new(image.Client).ResolveBase(t.Context(), host+"/x@sha256:"+strings.Repeat("1", 64), nil); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("absent digest: %v", err)
	}
}

func TestResolveBaseBadInput(t *testing.T) {
	for _, test := range []struct{ name, base string }{
		{"golang::1", "registry.example"},
		{"golang:1", "https://registry.example/docker"},
		{"golang:1", "justaword"},
		{"golang:1", ""},
	} {
		if got, err := new(image.Client).ResolveBase(context.Background(), test.name, []string{test.base}); err == nil {
			t.Errorf("%s under %q: %v, want an error", test.name, test.base, got)
		}
	}
}
