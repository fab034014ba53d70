package build

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/image"
)

func request() (Request, map[reference]image.Base) {
	base := image.Base{Name: "docker.io/library/golang:latest", Ref: "r.example/docker/golang@sha256:aa", Registry: "r.example"}
	return Request{
		ContextDir: "src", Dockerfile: "deploy/Dockerfile", Target: "final",
		Args: map[string]string{"V": "1", "A": "x y"}, Labels: map[string]string{"ystack_inputs": "i"}, Annotations: map[string]string{"ystack_app": `a,"b"`},
		Created: time.Unix(1_700_000_000, 0), Bases: []image.Base{base},
	}, map[reference]image.Base{{name: base.Name, raw: "${B}"}: base}
}

func TestFlags(t *testing.T) {
	req, pins := request()
	buildctl, err := buildctlFlags(req, pins, "/out")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		got  []string
		want string
	}{
		{"buildah, podman", buildFlags(req, pins, true), `--layers --force-rm --pull=false --file deploy/Dockerfile --target final
--build-arg A=x y --build-arg V=1
--build-context ${B}=docker-image://r.example/docker/golang@sha256:aa --build-context docker.io/library/golang:latest=docker-image://r.example/docker/golang@sha256:aa
--label ystack_inputs=i
--annotation org.opencontainers.image.created=2023-11-14T22:13:20Z --annotation ystack_app=a,"b" --annotation ystack_inputs=i
--tls-verify=false`},
		{"buildkit", buildctl, `build --progress=plain --frontend=dockerfile.v0
--local context=src --local dockerfile=deploy --opt filename=Dockerfile
--output type=oci,tar=false,dest=/out,annotation.org.opencontainers.image.created=2023-11-14T22:13:20Z,"annotation.ystack_app=a,""b""",annotation.ystack_inputs=i
--opt target=final --opt build-arg:SOURCE_DATE_EPOCH=1700000000 --opt build-arg:A=x y --opt build-arg:V=1
--opt label:org.opencontainers.image.created=2023-11-14T22:13:20Z --opt label:ystack_app=a,"b" --opt label:ystack_inputs=i
--opt context:golang=docker-image://r.example/docker/golang@sha256:aa`},
		{"docker", dockerFlags(req, pins, "/id"), `buildx build --load --progress=plain --provenance=false --iidfile /id --file deploy/Dockerfile --target final
--build-arg A=x y --build-arg V=1
--build-context golang=docker-image://r.example/docker/golang@sha256:aa
--label org.opencontainers.image.created=2023-11-14T22:13:20Z --label ystack_app=a,"b" --label ystack_inputs=i src`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.ReplaceAll(test.want, "\n", " "), strings.Join(test.got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := dated(req); len(got) != 1 || got[0] != "SOURCE_DATE_EPOCH=1700000000" {
		t.Errorf("docker's environment: %q", got)
	}
}

func TestFamiliarName(t *testing.T) {
	for name, want := range map[string]string{
		"golang": "golang", "golang:1.26": "golang:1.26", "golang:latest": "golang", "library/golang:1": "golang:1",
		"docker.io/library/golang": "golang", "docker.io/user/tool:2": "user/tool:2", "index.docker.io/user/tool": "user/tool",
		"gcr.io/library/x:latest": "gcr.io/library/x", "localhost:5000/x:1": "localhost:5000/x:1",
	} {
		if got := familiarName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestPinsRefusesUnresolved(t *testing.T) {
	d, err := parseDockerfile("Dockerfile", []byte("FROM a\nCOPY --from=b / /\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Request{Bases: []image.Base{{Name: "a"}}}.pins(d)
	if err == nil || !strings.Contains(err.Error(), "base image b was not resolved") {
		t.Errorf("got %v", err)
	}
}
