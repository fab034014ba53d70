package build

import (
	"errors"
	"strings"
	"testing"
)

// What the tools print when they fail. Buildah's is recorded from 1.28.2; BuildKit's
// and docker's are written after their source and documentation.
func TestExplain(t *testing.T) {
	d, err := parseDockerfile("x/Dockerfile", []byte("FROM a\nCOPY f /f\nRUN make \\\n  all\nRUN same\nRUN same\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	building := failure{tool: "buildah", doc: d}
	pushing := failure{tool: "buildah", where: "r.example/a:1", pushing: true}
	bk := failure{tool: "buildkit", doc: d}
	tests := []struct {
		name  string
		f     failure
		tail  string
		kinds []error
		want  string
	}{
		{
			"step", building, "STEP 3/5: RUN make   all\nmake: *** no rule\nsubprocess exited with status 2\nError: building at STEP \"RUN make   all\": exit status 2",
			[]error{ErrStep},
			"buildah: x/Dockerfile:3: step failed: RUN make all: exit status 2; it last said: make: *** no rule",
		},
		{
			"step twice the same", building, "Error: building at STEP \"RUN same\": exit status 2",
			[]error{ErrStep},
			"buildah: step failed: RUN same: exit status 2",
		},
		{
			"copy", building, "STEP 2/5: COPY f /f\nError: building at STEP \"COPY f /f\": checking on sources under \"/ctx\": copier: stat: \"/f\": no such file or directory",
			[]error{ErrStep},
			"buildah: x/Dockerfile:2: step failed: COPY f /f: checking on sources under \"/ctx\": copier: stat: \"/f\": no such file or directory",
		},
		{
			"base refused", building, "STEP 1/2: FROM a\nError: creating build container: initializing source docker://127.0.0.1:1/a@sha256:11: pinging container registry 127.0.0.1:1: Get \"http://127.0.0.1:1/v2/?token=secret\": dial tcp 127.0.0.1:1: connect: connection refused",
			[]error{ErrBase, ErrUnreachable},
			"buildah: base image not pulled: registry unreachable: creating build container: initializing source docker://127.0.0.1:1/a@sha256:11: pinging container registry 127.0.0.1:1: Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
		},
		{
			"disk", building, "Error: committing container for step {…}: copying layers and metadata: writing blob: write /x: no space left on device",
			[]error{ErrNoSpace},
			"buildah: no space left on device: free some, e.g. with: buildah rmi --prune",
		},
		{
			"push unauthorized", pushing, "Error: pushing image \"x\" to \"docker://r.example/a:1\": trying to reuse blob sha256:1 at destination: checking whether a blob exists: unauthorized: authentication required",
			[]error{ErrUnauthorized},
			"",
		},
		{"push unreachable", pushing, "Error: pushing image: dial tcp: lookup r.example: no such host", []error{ErrUnreachable}, ""},
		{"push refused", pushing, "Error: writing blob: initiating layer upload: received unexpected HTTP status: 405 Method Not Allowed", []error{ErrRefused}, ""},
		{"other", failure{tool: "buildah"}, "what?", []error{ErrTool}, "buildah: failed: what?"},
		{
			"buildkit step", bk, "#7 0.210 make: *** no rule\n#7 ERROR: process \"/bin/sh -c make all\" did not complete successfully: exit code: 2\n------\n > [3/5] RUN make:\n0.210 make: *** no rule\n------\nDockerfile:3\n--------------------\n   2 |     COPY f /f\n   3 | >>> RUN make \\\n   4 | >>>   all\n--------------------\nerror: failed to solve: process \"/bin/sh -c make all\" did not complete successfully: exit code: 2",
			[]error{ErrStep},
			"buildkit: x/Dockerfile:3: step failed: RUN make \\: exit code: 2; it last said: make: *** no rule",
		},
		{
			"buildkit parse", bk, "error: failed to solve: dockerfile parse error on line 4: unknown instruction: NOSUCH",
			[]error{ErrDockerfile},
			"buildkit: x/Dockerfile:4: wrong Dockerfile: unknown instruction: NOSUCH",
		},
		{
			"buildkit base", bk, "Dockerfile:1\n--------------------\n   1 | >>> FROM a\n--------------------\nerror: failed to solve: a: failed to resolve source metadata for r.example/a@sha256:1: failed to do request: dial tcp 127.0.0.1:1: connect: connection refused",
			[]error{ErrBase, ErrUnreachable},
			"",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.f.explain(t.Context(), strings.Split(test.tail, "\n"), errors.New("exit status 125"))
			for _, kind := range test.kinds {
				if !errors.Is(err, kind) {
					t.Errorf("%v is not %v", err, kind)
				}
			}
			if test.want != "" && err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("shows a secret: %s", err)
			}
		})
	}
}
