package app

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The parser recurses and is quadratic in places; no file that people write comes near.
const (
	maxTokens = 50_000
	maxDepth  = 100
	maxMerged = 100_000
)

// converter makes nodes of one document's syntax tree. An alias shares the node of
// its anchor, so that aliases of aliases cost nothing.
type converter struct {
	*reader
	before  int // lines above the document
	anchors map[string]*node
	merged  int
}

// parseDocument is the root of a document, nil if it is empty or broken.
func (r *reader) parseDocument(p part) *node {
	c := &converter{reader: r, before: p.before, anchors: map[string]*node{}}
	tokens := lexer.Tokenize(p.text)
	if !c.acceptable(tokens) {
		return nil
	}
	// Repeated keys are found later, when their path is known.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		c.syntax(err)
		return nil
	}
	for _, document := range file.Docs {
		if document.Body != nil {
			return c.convert(document.Body)
		}
	}
	return nil
}

// acceptable refuses what would take the parser too long or too deep.
func (c *converter) acceptable(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		c.fail(position{}, "", "holds more than %d values and signs; this cannot be a ystack file", maxTokens)
		return false
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
			c.fail(c.place(t), "", "nested more than %d deep", maxDepth)
			return false
		}
	}
	return true
}

func (c *converter) place(t *token.Token) position {
	return position{max(t.Position.Line, 1) + c.before, max(t.Position.Column, 1)}
}

func (c *converter) syntax(err error) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		c.fail(position{c.before + 1, 1}, "", "not valid YAML: %v", err)
		return
	}
	message := syntax.Message
	if strings.Contains(message, `'\t'`) || strings.Contains(message, "'\t'") {
		message = "a tab cannot indent YAML; use spaces"
	}
	c.fail(c.place(syntax.Token), "", "not valid YAML: %s", message)
}

func (c *converter) convert(n ast.Node) *node {
	out := &node{at: c.place(n.GetToken())}
	switch n := n.(type) {
	case *ast.AnchorNode:
		value := c.convert(n.Value)
		c.anchors[n.Name.GetToken().Value] = value
		return value
	case *ast.AliasNode:
		return c.alias(n, out)
	case *ast.TagNode:
		return c.tagged(n, out)
	case *ast.MappingNode:
		c.object(out, n.Values)
		if !n.IsFlowStyle && len(out.entries) > 0 && len(n.Values) > 0 {
			out.at = c.place(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		out.at = c.place(n.Key.GetToken())
		c.object(out, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out.kind = listNode
		for _, item := range n.Values {
			out.items = append(out.items, c.item(item))
		}
	default:
		scalar(out, n)
	}
	return out
}

// item undoes a slip of the lexer: in a flow list within a flow object it splits
// HOST:PORT into an object of one field, though no space follows the colon.
func (c *converter) item(n ast.Node) *node {
	object, ok := n.(*ast.MappingNode)
	if !ok || object.GetToken().Type != token.MappingValueType || len(object.Values) != 1 {
		return c.convert(n)
	}
	pair := object.Values[0]
	key, colon, value := pair.Key.GetToken(), pair.GetToken(), pair.Value.GetToken()
	adjacent := value.Position.Line == colon.Position.Line && value.Position.Column == colon.Position.Column+1
	_, isScalar := pair.Value.(ast.ScalarNode)
	if !adjacent || !isScalar || isQuoted(key) || isQuoted(value) {
		return c.convert(n)
	}
	return &node{kind: stringNode, at: c.place(key), text: key.Value + ":" + value.Value}
}

func isQuoted(t *token.Token) bool {
	return t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
}

func scalar(out *node, n ast.Node) {
	out.kind, out.text = stringNode, n.GetToken().Value
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = nullNode
	case *ast.BoolNode:
		out.kind = boolNode
	case *ast.IntegerNode:
		out.kind = integerNode
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind = floatNode
	case *ast.LiteralNode:
		out.text = n.Value.Value
	case *ast.StringNode:
		out.text = n.Value
	}
}

// alias looks back only, as YAML has it, so that nothing can contain itself.
func (c *converter) alias(n *ast.AliasNode, out *node) *node {
	name := n.Value.GetToken().Value
	if value, ok := c.anchors[name]; ok {
		return value
	}
	c.fail(out.at, "", "no anchor &%s above this alias", name)
	return out
}

// tagged knows the tags that change nothing, and !!str, which quotes.
func (c *converter) tagged(n *ast.TagNode, out *node) *node {
	tag := n.GetToken().Value
	if n.Value == nil {
		c.fail(out.at, "", "the tag %s has no value", tag)
		return out
	}
	value := c.convert(n.Value)
	switch {
	case tag == "!!map" && value.kind == objectNode, tag == "!!seq" && value.kind == listNode:
	case tag == "!!str" && value.isScalar():
		text := value.text
		if value.kind == nullNode {
			text = ""
		}
		return &node{kind: stringNode, at: value.at, text: text}
	default:
		c.fail(out.at, "", "the tag %s is not supported here", tag)
	}
	return value
}

func (c *converter) object(out *node, values []*ast.MappingValueNode) {
	out.kind = objectNode
	var merged []entry
	for _, value := range values {
		if _, isMerge := value.Key.(*ast.MergeKeyNode); isMerge {
			merged = append(merged, c.merge(value.Value)...)
			continue
		}
		key := c.convertKey(value.Key)
		if key == nil {
			continue
		}
		child := c.convert(value.Value)
		if child.kind == nullNode {
			child = &node{at: key.at} // the parser has no place for what is not there
		}
		out.entries = append(out.entries, entry{key: key.text, at: key.at, value: child})
	}
	own := map[string]bool{}
	for _, e := range out.entries {
		own[e.key] = true
	}
	for _, e := range merged {
		if !own[e.key] { // the first merged object goes before the next
			own[e.key] = true
			out.entries = append(out.entries, entry{e.key, e.at, e.value, true})
		}
	}
}

func (c *converter) convertKey(n ast.MapKeyNode) *node {
	var key ast.Node = n
	if explicit, ok := n.(*ast.MappingKeyNode); ok {
		key = explicit.Value
	}
	if key == nil {
		c.fail(c.place(n.GetToken()), "", "a key must be a plain string")
		return nil
	}
	out := c.convert(key)
	if !out.isScalar() {
		c.fail(out.at, "", "a key must be a plain string, not %s", out.kind)
		return nil
	}
	return out
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
			c.fail(source.at, "", "<< merges objects, not %s", source.kind)
			continue
		}
		if c.merged += len(source.entries); c.merged > maxMerged {
			c.fail(value.at, "", "<< merges more than %d fields", maxMerged)
			return nil
		}
		all = append(all, source.entries...)
	}
	return all
}
