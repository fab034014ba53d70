package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// pages are what people read, the reference aside, which is made of the commands.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../*/README.md", "../examples/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// treeOf is the command tree that a command line is for, fresh, as flags keep what they were given.
func treeOf(text string) *cobra.Command {
	for _, root := range roots() {
		if strings.HasPrefix(strings.ReplaceAll(text, "-", " "), root.CommandPath()) {
			return root
		}
	}
	return nil
}

// TestExamples: each command line in a page and in the help has verbs and flags that
// there are, and arguments that the verb takes.
func TestExamples(t *testing.T) {
	count := 0
	for _, path := range pages(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range examples(string(data)) {
			count++
			if err := e.parse(treeOf(e.text)); err != nil {
				t.Errorf("%s:%d: %s\n  %v", path, e.line, e.text, err)
			}
		}
	}
	if count < 80 {
		t.Errorf("only %d examples were found", count)
	}
	for _, root := range roots() {
		for _, cmd := range append([]*cobra.Command{root}, deeper(root)...) {
			for _, e := range examples("```\n" + cmd.Example + "\n```\n") {
				if err := e.parse(treeOf(e.text)); err != nil {
					t.Errorf("the help of %s: %s\n  %v", cmd.CommandPath(), e.text, err)
				}
			}
		}
	}
}

// TestLinks: what a page links to in this repository is there.
func TestLinks(t *testing.T) {
	for _, path := range append(pages(t), filepath.Join("..", referenceDir, "README.md")) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, rest := range strings.Split(string(data), "](")[1:] {
			link, _, _ := strings.Cut(rest, ")")
			link, _, _ = strings.Cut(link, "#")
			if link == "" || strings.Contains(link, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), link)); err != nil {
				t.Errorf("%s links to %s: %v", path, link, err)
			}
		}
	}
}

func TestFindingExamples(t *testing.T) {
	page := "Call `kubectl ystack\nversion -o`, or\n`kubectl get pods`.\n\n    $ kubectl ystack version -o json | jq .   # a comment\n    kubectl-ystack output\n" +
		"\n```sh\nopenstack ystack image copy \\\n  file:a 'file:b c'\nkubectl ystack nosuch\nkubectl ystack version --nosuch\n```\n| `kubectl ystack schema site\\|application` |\n    other\n"
	var got []string
	for _, e := range examples(page) {
		err := e.parse(treeOf(e.text))
		line := strings.Join(append([]string{e.text}, e.arguments()...), " ~ ")
		if err != nil {
			line += ": " + err.Error()
		}
		got = append(got, line)
	}
	want := []string{
		"kubectl ystack version -o ~ version ~ -o",
		"kubectl ystack version -o json | jq . # a comment ~ version ~ -o ~ json",
		`kubectl-ystack output ~ output: unknown command "output" for "kubectl ystack"`,
		"openstack ystack image copy file:a 'file:b c' ~ image ~ copy ~ file:a ~ file:b c",
		`kubectl ystack nosuch ~ nosuch: unknown command "nosuch" for "kubectl ystack"`,
		"kubectl ystack version --nosuch ~ version ~ --nosuch: kubectl ystack version: unknown flag: --nosuch",
		"kubectl ystack schema site|application ~ schema ~ site",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var packagePath = regexp.MustCompile(`pkg/[a-z/]+`)

// TestArchitecture: the picture is one, and names packages that there are.
func TestArchitecture(t *testing.T) {
	data, err := os.ReadFile("../docs/architecture.svg")
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	found := packagePath.FindAllString(string(data), -1)
	if len(found) < 10 {
		t.Errorf("only %q", found)
	}
	for _, name := range found {
		if _, err := os.Stat(filepath.Join("..", name)); err != nil {
			t.Errorf("it shows %s: %v", name, err)
		}
	}
}
