package build

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// dockerfile is a parsed Dockerfile: what decides which images it needs.
type dockerfile struct {
	path   string
	nodes  []instruction
	lex    *shell.Lex
	args   *scope // ARG before the first FROM
	stages []stage
}

// stage is one FROM and what follows it.
type stage struct {
	name  string // lower case; "" if it has none
	base  string // with ARGs filled in
	raw   string // as written
	line  int
	nodes []instruction
}

// readDockerfile reads and parses the Dockerfile at path.
func readDockerfile(path string, args map[string]string) (*dockerfile, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &DockerfileError{File: path, Msg: "does not exist; set dockerfile (and context) to where it is"}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Dockerfile: %w", err)
	}
	return parseDockerfile(path, content, args)
}

func parseDockerfile(path string, content []byte, args map[string]string) (*dockerfile, error) {
	list, said, err := readInstructions(content)
	if located, ok := errors.AsType[*DockerfileError](err); ok {
		located.File = path
		return nil, located
	}
	if len(list) == 0 {
		return nil, &DockerfileError{File: path, Msg: "is empty"}
	}
	d := &dockerfile{path: path, nodes: list, lex: shell.NewLex(said.escape), args: newScope(args)}
	foreign := isForeign(said.syntax)
	for _, node := range d.nodes {
		if err := d.add(node, foreign); err != nil {
			return nil, err
		}
	}
	if len(d.stages) == 0 {
		return nil, &DockerfileError{File: path, Msg: "has no FROM instruction"}
	}
	return d, nil
}

// isForeign tells whether the file asks for a frontend that is not Docker's, and
// may therefore have instructions that we do not know.
func isForeign(syntax string) bool {
	return syntax != "" && !strings.HasPrefix(strings.TrimPrefix(syntax, "docker.io/"), "docker/dockerfile")
}

// instructions are all that the Dockerfile reference knows.
const instructions = " ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR "

func (d *dockerfile) add(node instruction, foreign bool) error {
	keyword := strings.ToUpper(node.keyword)
	switch {
	case !foreign && !strings.Contains(instructions, " "+keyword+" "):
		return d.errorf(node, "unknown instruction %s", node.keyword)
	case keyword == "FROM":
		return d.addStage(node)
	case len(d.stages) > 0:
		last := &d.stages[len(d.stages)-1]
		last.nodes = append(last.nodes, node)
	case keyword == "ARG":
		return d.addArg(node)
	default:
		return d.errorf(node, "%s before the first FROM; only ARG may stand there", keyword)
	}
	return nil
}

func (d *dockerfile) addArg(node instruction) error {
	for _, word := range rawWords(node.rest) {
		key, value, isSet := strings.Cut(word, "=")
		if isSet {
			expanded, _, err := d.lex.ProcessWord(value, d.args)
			if err != nil {
				return d.errorf(node, "%v", err)
			}
			value = expanded
		}
		d.args.declare(key, value, isSet)
	}
	return nil
}

func (d *dockerfile) addStage(node instruction) error {
	words := strings.Fields(node.rest)
	named := len(words) == 3 && strings.EqualFold(words[1], "AS")
	if len(words) != 1 && !named {
		return d.errorf(node, "want FROM IMAGE or FROM IMAGE AS NAME")
	}
	base, err := d.expand(node, words[0])
	if err != nil {
		return err
	}
	s := stage{base: base, raw: words[0], line: node.line}
	if named {
		s.name = strings.ToLower(words[2])
	}
	d.stages = append(d.stages, s)
	return nil
}

// expand fills in ARGs. Where one has no value there is no telling which image
// is meant, so that is an error, as it is for Docker.
func (d *dockerfile) expand(node instruction, word string) (string, error) {
	result, err := d.lex.ProcessWordWithMatches(word, d.args)
	if err != nil {
		return "", d.errorf(node, "%v", err)
	}
	for missing := range result.Unmatched {
		if hasFallback(word, missing) {
			continue
		}
		return "", d.errorf(node, "ARG %s has no value: give it a default before the first FROM, or set it under args", missing)
	}
	if result.Result == "" {
		return "", d.errorf(node, "the image name %q is empty once its ARGs are filled in", word)
	}
	return result.Result, nil
}

// hasFallback tells whether word says what to take when the ARG has no value.
func hasFallback(word, arg string) bool {
	return slices.ContainsFunc([]string{":-", "-", ":+", "+"}, func(op string) bool {
		return strings.Contains(word, "${"+arg+op)
	})
}

// stageIndex finds the stage that a reference means among the first limit
// stages: by name, or by number where numbered is allowed.
func (d *dockerfile) stageIndex(ref string, limit int, numbered bool) (int, bool) {
	for i := limit - 1; i >= 0; i-- {
		if d.stages[i].name != "" && d.stages[i].name == strings.ToLower(ref) {
			return i, true
		}
	}
	n, err := strconv.Atoi(ref)
	return n, numbered && err == nil && n >= 0 && n < limit
}

// target finds the stage to build.
func (d *dockerfile) target(name string) (int, error) {
	if name == "" {
		return len(d.stages) - 1, nil
	}
	if i, ok := d.stageIndex(name, len(d.stages), true); ok {
		return i, nil
	}
	var names []string
	for _, s := range d.stages {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	has := "none of its stages has a name"
	if len(names) > 0 {
		has = "it has: " + strings.Join(names, ", ")
	}
	return 0, &DockerfileError{File: d.path, Msg: fmt.Sprintf("has no stage %s to build as target; %s", name, has)}
}

// lineOf finds the instruction that a builder quotes in its messages.
func (d *dockerfile) lineOf(instruction string) int {
	line := 0
	for _, node := range d.nodes {
		if strings.Join(strings.Fields(node.original), " ") == strings.Join(strings.Fields(instruction), " ") {
			if line != 0 {
				return 0 // twice the same: no telling which
			}
			line = node.line
		}
	}
	return line
}

// heredoc is the first line with a here-document; 0 if there is none.
func (d *dockerfile) heredoc() int {
	i := slices.IndexFunc(d.nodes, func(node instruction) bool { return node.heredoc })
	if i < 0 {
		return 0
	}
	return d.nodes[i].line
}

func (d *dockerfile) errorf(node instruction, format string, values ...any) error {
	return &DockerfileError{File: d.path, Line: node.line, Msg: fmt.Sprintf(format, values...)}
}

// scope holds the values of ARGs that FROM may use.
type scope struct {
	given  map[string]string
	values map[string]string
}

// newScope knows the platform ARGs that builders predefine for FROM.
func newScope(given map[string]string) *scope {
	values := map[string]string{}
	for _, side := range []string{"TARGET", "BUILD"} {
		values[side+"PLATFORM"] = "linux/" + runtime.GOARCH
		values[side+"OS"] = "linux"
		values[side+"ARCH"] = runtime.GOARCH
		values[side+"VARIANT"] = ""
	}
	for key := range values {
		if value, ok := given[key]; ok {
			values[key] = value
		}
	}
	return &scope{given: given, values: values}
}

func (s *scope) declare(key, value string, isSet bool) {
	if given, ok := s.given[key]; ok {
		value, isSet = given, true
	}
	if isSet {
		s.values[key] = value
	}
}

// Get and Keys make a scope an environment for shell.Lex.
func (s *scope) Get(key string) (string, bool) {
	value, ok := s.values[key]
	return value, ok
}

// Keys lists the names that have a value.
func (s *scope) Keys() []string {
	keys := make([]string, 0, len(s.values))
	for key := range s.values {
		keys = append(keys, key)
	}
	return keys
}
