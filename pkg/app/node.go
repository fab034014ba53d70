package app

import "strings"

// position is a place in a file, counted from 1 in lines and characters.
type position struct{ line, column int }

type nodeKind int

const (
	nullNode nodeKind = iota
	boolNode
	integerNode
	floatNode
	stringNode
	listNode
	objectNode
)

// String says what people call it.
func (k nodeKind) String() string {
	return [...]string{"empty", "true or false", "a number", "a number", "a string", "a list", "an object"}[k]
}

// node is a value of a document, with anchors, aliases, merges and tags resolved.
type node struct {
	kind    nodeKind
	at      position
	text    string  // of scalars: the string's value, or the source text
	items   []*node // of lists
	entries []entry // of objects, in their order; keys may repeat
}

type entry struct {
	key    string
	at     position
	value  *node
	merged bool // came by <<, so that a key of the object itself goes first
}

// child is the value of a key, or nil.
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

// string is the text of a string, and "" of everything else.
func (n *node) string() string {
	if n == nil || n.kind != stringNode {
		return ""
	}
	return n.text
}

func (n *node) isScalar() bool { return n.kind < listNode }

// join appends a key to a field path.
func join(path, key string) string {
	if key == "" || strings.ContainsAny(key, ". []\"'\n\t") {
		return path + "[" + quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
