package build

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBases(t *testing.T) {
	tests := []struct {
		name   string
		file   string
		args   map[string]string
		target string
		want   []string
	}{
		{name: "plain", file: "FROM golang:1.26\nRUN true\n", want: []string{"golang:1.26"}},
		{name: "scratch", file: "FROM scratch\nCOPY a /\n"},
		{name: "two stages", file: "FROM golang:1.26 AS b\nFROM gcr.io/x/static\nCOPY --from=b /a /a\n", want: []string{"golang:1.26", "gcr.io/x/static"}},
		{name: "unneeded stage", file: "FROM a AS x\nFROM b\n", want: []string{"b"}},
		{name: "target", file: "FROM a AS x\nFROM b AS y\nFROM c\n", target: "Y", want: []string{"b"}},
		{name: "numeric target", file: "FROM a\nFROM b\n", target: "0", want: []string{"a"}},
		{name: "case", file: "from a as Build\nFROM build\ncopy --from=BUILD /x /x\n", want: []string{"a"}},
		{name: "by number", file: "FROM a\nFROM scratch\nCOPY --from=0 /x /x\n", want: []string{"a"}},
		{name: "number out of range is a name", file: "FROM scratch\nCOPY --from=7 /x /x\n", want: []string{"7"}},
		{name: "stage named like an image", file: "FROM golang AS golang\nFROM golang\n", want: []string{"golang"}},
		{name: "copy from image", file: "FROM a\nCOPY --chown=1:1 --from=b:1 /x /x\n", want: []string{"a", "b:1"}},
		{name: "mount", file: "FROM a\nRUN --mount=type=cache,target=/c --mount=type=bind,from=b:2,target=/m true\n", want: []string{"a", "b:2"}},
		{name: "mount from stage", file: "FROM b AS s\nFROM a\nRUN --mount=from=s,target=/m true\n", want: []string{"b", "a"}},
		{name: "once", file: "FROM a AS x\nFROM a\nCOPY --from=x / /\n", want: []string{"a"}},
		{name: "arg default", file: "ARG V=1\nARG N=img:${V}\nFROM $N\n", want: []string{"img:1"}},
		{name: "arg given", file: "ARG V=1\nFROM img:${V}\n", args: map[string]string{"V": "2"}, want: []string{"img:2"}},
		{name: "arg without default given", file: "ARG V\nFROM img:$V\n", args: map[string]string{"V": "2"}, want: []string{"img:2"}},
		{name: "several args in one line", file: "ARG A=x B=y\nFROM $A/$B\n", want: []string{"x/y"}},
		{name: "shell default", file: "ARG V\nFROM img:${V:-3}\n", want: []string{"img:3"}},
		{name: "platform", file: "FROM --platform=$BUILDPLATFORM a-${TARGETARCH}\n", want: []string{"a-" + runtime.GOARCH}},
		{name: "onbuild", file: "FROM a\nONBUILD COPY --from=b /x /x\n", want: []string{"a"}},
		{name: "escape", file: "# escape=`\nFROM `\n  a\nRUN x `\n  y\n", want: []string{"a"}},
		{name: "heredoc", file: "FROM a\nRUN <<E\nFROM notthis\nE\nCOPY <<F /x\nFROM nor\nF\n", want: []string{"a"}},
		{name: "comments and bom", file: "\xef\xbb\xbf# hello\n\nFROM a # b\n", want: nil},
		{name: "circle", file: "FROM a AS x\nCOPY --from=x / /\n", want: []string{"a"}},
		{name: "digest", file: "FROM a:1@sha256:" + strings.Repeat("1", 64) + "\n", want: []string{"a:1@sha256:" + strings.Repeat("1", 64)}},
		{name: "custom frontend", file: "# syntax=example/other\nFROM a\nINCLUDE b\n", want: []string{"a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Bases([]byte(test.file), test.args, test.target)
			if test.name == "comments and bom" { // as Docker: no comment at the end of a line
				if err == nil {
					t.Error("took a comment for an image")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBasesErrors(t *testing.T) {
	tests := []struct{ file, target, want string }{
		{"", "", "Dockerfile: is empty"},
		{"# only a comment\n", "", "Dockerfile: is empty"},
		{"ARG A=1\n", "", "Dockerfile: has no FROM instruction"},
		{"RUN x\nFROM a\n", "", "Dockerfile:1: RUN before the first FROM; only ARG may stand there"},
		{"ARG V\n\nFROM img:$V\n", "", "Dockerfile:3: ARG V has no value: give it a default before the first FROM, or set it under args"},
		{"FROM ${NOPE}\n", "", "Dockerfile:1: ARG NOPE has no value: give it a default before the first FROM, or set it under args"},
		{"FROM a\nRUN x\nNOSUCH y\n", "", "Dockerfile:3: unknown instruction NOSUCH"},
		{"FROM a AS\n", "", "Dockerfile:1: want FROM IMAGE or FROM IMAGE AS NAME"},
		{"FROM\n", "", "Dockerfile:1: want FROM IMAGE or FROM IMAGE AS NAME"},
		{"FROM a AS one\nFROM b AS two\n", "three", "Dockerfile: has no stage three to build as target; it has: one, two"},
		{"FROM a\nCOPY --from=$X / /\n", "", "Dockerfile:2: --from=$X: no variables here; name a stage, and let its FROM use the ARG"},
		{"FROM a\nRUN <<E\nx\n", "", "Dockerfile:2: unterminated heredoc"},
	}
	for _, test := range tests {
		_, err := Bases([]byte(test.file), nil, test.target)
		if !errors.Is(err, ErrDockerfile) || err.Error() != test.want {
			t.Errorf("%q:\n got  %v\n want %s", test.file, err, test.want)
		}
	}
}

func TestReadBasesMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dockerfile")
	_, err := ReadBases(path, nil, "")
	if want := path + ": does not exist; set dockerfile (and context) to where it is"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzBases(f *testing.F) {
	for _, seed := range []string{
		"FROM a\n", "ARG V=1\nFROM x:${V:-2} AS b\nFROM scratch\nCOPY --from=b / /\n", "# escape=`\nFROM `\na",
		"FROM a\nRUN --mount=type=bind,from=b,target=/x y\n", "FROM a\nRUN <<E\nE\n", "FROM ${A##*x}\n", "ARG =\nFROM a",
	} {
		f.Add([]byte(seed), "V", "1", "b")
	}
	f.Fuzz(func(t *testing.T, file []byte, key, value, target string) {
		names, err := Bases(file, map[string]string{key: value}, target)
		if err != nil && !errors.Is(err, ErrDockerfile) {
			t.Fatalf("not a DockerfileError: %v", err)
		}
		for _, name := range names {
			if name == "" || name == scratch {
				t.Fatalf("base %q of %q", name, file)
			}
		}
	})
}

func TestStagesWithoutNames(t *testing.T) {
	_, err := Bases([]byte("FROM a\n"), nil, "web")
	if err == nil || !strings.Contains(err.Error(), "none of its stages has a name") {
		t.Errorf("got %v", err)
	}
}
