package keystone

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The parser recurses and is quadratic in places; no clouds.yaml comes near.
const (
	maxTokens = 50_000
	maxDepth  = 100
	maxMerged = 100_000
)

type nodeKind int

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	listNode
	objectNode
)

func (k nodeKind) String() string {
	return [...]string{"empty", "true or false", "a number", "a string", "a list", "an object"}[k]
}

// node is a value of a file, with anchors, aliases and merges resolved.
type node struct {
	kind    nodeKind
	origin  string // file:line:column
	text    string
	quoted  bool
	items   []*node
	entries []entry
}

type entry struct {
	key    string // with _ for -, as openstacksdk has it
	origin string
	value  *node
}

func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// converter makes nodes of one file's syntax tree. An alias shares the node of its
// anchor, so that aliases of aliases cost nothing.
type converter struct {
	file    string
	anchors map[string]*node
	merged  int
	err     error // the first problem
}

// parseYAML is the root of a file's first document, nil if there is none.
func parseYAML(file string, data []byte) (*node, error) {
	c := &converter{file: file, anchors: map[string]*node{}}
	tokens := lexer.Tokenize(string(data))
	if err := c.acceptable(tokens); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, c.syntax(err)
	}
	for _, document := range tree.Docs {
		if document.Body != nil {
			root := c.convert(document.Body)
			return root, c.err
		}
	}
	return nil, nil
}

// acceptable refuses what would take the parser too long or too deep.
func (c *converter) acceptable(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return &ConfigError{Origin: c.file, Problem: fmt.Sprintf("holds more than %d values and signs", maxTokens)}
	}
	depth, line, openers := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, openers = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			openers++
		}
		if depth > maxDepth || openers > maxDepth {
			return &ConfigError{Origin: c.place(t), Problem: fmt.Sprintf("nested more than %d deep", maxDepth)}
		}
	}
	return nil
}

func (c *converter) place(t *token.Token) string {
	return fmt.Sprintf("%s:%d:%d", c.file, max(t.Position.Line, 1), max(t.Position.Column, 1))
}

func (c *converter) fail(origin, format string, args ...any) {
	if c.err == nil {
		c.err = &ConfigError{Origin: origin, Problem: fmt.Sprintf(format, args...)}
	}
}

// syntax words what the parser says, without the parts of the file that it quotes: they
// may be a password.
func (c *converter) syntax(err error) error {
	origin, message := c.file+":1:1", "not valid YAML"
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		origin = c.place(syntax.Token)
		if strings.Contains(syntax.Message, "\\t") || strings.Contains(syntax.Message, "'\t'") {
			message += ": a tab cannot indent YAML; use spaces"
		} else if at := strings.IndexAny(syntax.Message, "\"'`:\n"); at < 0 {
			message += ": " + syntax.Message
		} else if said := strings.TrimSpace(syntax.Message[:at]); said != "" {
			message += ": " + said + " …"
		}
	}
	return &ConfigError{Origin: origin, Problem: message}
}

func (c *converter) convert(n ast.Node) *node {
	out := &node{origin: c.place(n.GetToken())}
	switch n := n.(type) {
	case *ast.AnchorNode:
		value := c.convert(n.Value)
		c.anchors[n.Name.GetToken().Value] = value
		return value
	case *ast.AliasNode:
		// Looks back only, as YAML has it, so that nothing can contain itself.
		if value, ok := c.anchors[n.Value.GetToken().Value]; ok {
			return value
		}
		c.fail(out.origin, "no such anchor above this alias")
	case *ast.TagNode:
		return c.tagged(n, out)
	case *ast.MappingNode:
		c.object(out, n.Values)
	case *ast.MappingValueNode:
		c.object(out, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out.kind = listNode
		for _, item := range n.Values {
			out.items = append(out.items, c.convert(item))
		}
	default:
		scalar(out, n)
	}
	return out
}

func scalar(out *node, n ast.Node) {
	t := n.GetToken()
	out.kind, out.text = stringNode, t.Value
	out.quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = nullNode
	case *ast.BoolNode:
		out.kind = boolNode
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind = numberNode
	case *ast.LiteralNode:
		out.text, out.quoted = n.Value.Value, true
	case *ast.StringNode:
		out.text = n.Value
	}
}

// tagged knows !!str, which quotes, and the tags that change nothing.
func (c *converter) tagged(n *ast.TagNode, out *node) *node {
	tag := n.GetToken().Value
	if n.Value == nil {
		c.fail(out.origin, "the tag has no value")
		return out
	}
	value := c.convert(n.Value)
	switch {
	case tag == "!!map" && value.kind == objectNode, tag == "!!seq" && value.kind == listNode:
		return value
	case tag == "!!str" && value.kind < listNode:
		return &node{kind: stringNode, quoted: true, origin: value.origin, text: value.text}
	}
	c.fail(out.origin, "this tag is not supported here")
	return value
}

func (c *converter) object(out *node, values []*ast.MappingValueNode) {
	out.kind = objectNode
	own := map[string]bool{}
	var merged []entry
	for _, value := range values {
		if _, isMerge := value.Key.(*ast.MergeKeyNode); isMerge {
			merged = append(merged, c.merge(value.Value)...)
			continue
		}
		origin := c.place(value.Key.GetToken())
		key := c.key(value.Key)
		if own[key] {
			c.fail(origin, "%s is here for a second time", showKey(key))
		}
		own[key] = true
		child := c.convert(value.Value)
		if child.kind == nullNode {
			child = &node{origin: origin} // the parser has no place for what is not there
		}
		out.entries = append(out.entries, entry{key, origin, child})
	}
	for _, e := range merged {
		if !own[e.key] { // the first merged object goes before the next
			own[e.key] = true
			out.entries = append(out.entries, e)
		}
	}
}

func (c *converter) key(n ast.MapKeyNode) string {
	var key ast.Node = n
	if explicit, ok := n.(*ast.MappingKeyNode); ok && explicit.Value != nil {
		key = explicit.Value
	}
	value := c.convert(key)
	if value.kind >= listNode {
		c.fail(value.origin, "a key must be a plain string, not %s", value.kind)
	}
	return value.text
}

// merge collects the entries that << brings: of an object, or of a list of objects.
func (c *converter) merge(n ast.Node) []entry {
	value := c.convert(n)
	sources := []*node{value}
	if value.kind == listNode {
		sources = value.items
	}
	var all []entry
	for _, source := range sources {
		if source.kind != objectNode {
			c.fail(source.origin, "<< merges objects, not %s", source.kind)
			continue
		}
		if c.merged += len(source.entries); c.merged > maxMerged {
			c.fail(value.origin, "<< merges more than %d fields", maxMerged)
			return nil
		}
		all = append(all, source.entries...)
	}
	return all
}
