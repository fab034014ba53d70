package build

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestInstructionsAgainstBuildKit and the fuzz target compare our reader with
// BuildKit's, which is linked into tests only.
func TestInstructionsAgainstBuildKit(t *testing.T) {
	for _, file := range dockerfiles {
		compareWithBuildKit(t, []byte(file))
	}
}

func FuzzInstructions(f *testing.F) {
	for _, file := range dockerfiles {
		f.Add([]byte(file))
	}
	f.Fuzz(compareWithBuildKit)
}

var dockerfiles = []string{
	"FROM a\n", "from a as b\r\nRUN x\r\n", "\xef\xbb\xbfFROM a", "", "\n\n", "# c\n", "FROM a\\\n", "FROM \\\n# c\n\n  a \\\n",
	"# escape=`\nFROM `\n  a\nRUN c:\\ `\n x\n", "# ESCAPE = \\\n# syntax=x/y z\n# check=skip=all\nFROM a\n", "#escape=x\nFROM a\n", "# escape=`\n# escape=`\nFROM a\n",
	"# x\n# escape=`\nFROM a \\\n b\n", "RUN a \\\\\nRUN b\n", "RUN \\\n\nRUN b", "\\\nRUN a", "  RUN   a  b  \n\tCOPY\t--from=x  a b\n",
	"COPY --from=\"a b\" --chown='1':\\\"1 --x -- --y z\nCOPY --\nCOPY --a\\", "RUN --mount=type=bind,from=b true --x",
	"RUN <<A <<-\"B C\" cat\nx\nA\n\tB C\nCOPY <<'E' /x\nE\nFROM b\n", "RUN [\"<<A\"]\nCOPY [\"<<A\", 1]\nA\n", "ONBUILD RUN <<E\nx\nE\nADD <<E /\n", "ENV a <<E\n",
	"RUN 3<<E\nE\nRUN << E\nE\nRUN a<<E\nRUN <<<E\nRUN <<\n", "RUN <<E\nx\n", "RUN <<E\nE \nE", "RUN '<<E'\nRUN \\<<E\nRUN \"<<E\nRUN <<$E\n$E\nRUN <<${E:-x}\n", "ONBUILD ONBUILD RUN <<E\n",
}

type seen struct {
	Keyword, Original string
	Flags             []string
	Line              int
	Heredoc           bool
}

func compareWithBuildKit(t *testing.T, file []byte) {
	theirs, theirErr := parser.Parse(bytes.NewReader(file))
	ours, said, err := readInstructions(file)
	if theirErr != nil {
		return // it also checks what instructions take, which is left to the builder
	}
	if err != nil {
		t.Fatalf("%q: %v, and BuildKit takes it", file, err)
	}
	var got, want []seen
	for _, in := range ours {
		got = append(got, seen{in.keyword, in.original, in.flags, in.line, in.heredoc})
	}
	for _, node := range theirs.AST.Children {
		if node.Value == "" {
			continue // of an escape character alone
		}
		if len(want) == len(ours) {
			t.Fatalf("%q: BuildKit has line %d as well: %q", file, node.StartLine, node.Original)
		}
		flags := node.Flags
		if len(flags) == 0 {
			flags = nil
		}
		if flags != nil && !ascii(node.Original) {
			flags = ours[len(want)].flags // BuildKit reads flags byte by byte
		}
		want = append(want, seen{node.Value, node.Original, flags, node.StartLine, len(node.Heredocs) > 0})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: BuildKit's (-) and ours (+):\n%s", file, diff)
	}
	if said.escape != theirs.EscapeToken {
		t.Errorf("%q: escape %q, BuildKit's is %q", file, said.escape, theirs.EscapeToken)
	}
	syntax, _, _, _ := parser.DetectSyntax(file)
	if strings.HasPrefix(string(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))), "# syntax") && syntax != said.syntax {
		t.Errorf("%q: syntax %q, BuildKit's is %q", file, said.syntax, syntax)
	}
}

func ascii(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }
