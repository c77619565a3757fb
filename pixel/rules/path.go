package rules

import (
	"bytes"
	"fmt"
	"strings"
)

// pathTrie finds the patterns that a path matches, folder by folder.
type pathTrie struct {
	next  map[pathEdge]uint32
	nodes []pathNode // the first is the root
}

// pathEdge leads from a node by the name of a folder or page.
type pathEdge struct {
	node    uint32
	segment string
}

type pathNode struct {
	star   uint32 // the node behind any one folder, 0 for none
	page   uint32 // the number of the pattern that ends here, or none
	folder uint32 // the number of the pattern of everything below, or none
}

// checkPath says what is wrong with a pattern.
func checkPath(pattern string) error {
	if !strings.HasPrefix(pattern, "/") || strings.ContainsAny(pattern, "?#") {
		return fmt.Errorf("path %q: want a page such as /index.html, or a folder such as /shuttle/*", pattern)
	}
	segments := strings.Split(pattern[1:], "/")
	if len(segments) > maxSegments {
		return fmt.Errorf("path %q: %d folders: want at most %d", pattern, len(segments), maxSegments)
	}
	for _, s := range segments {
		if s != "*" && strings.Contains(s, "*") {
			return fmt.Errorf("path %q: want a star that stands for a whole folder, as in /shop/*/reviews or /shop/*", pattern)
		}
	}
	return nil
}

// slot is where the number of a checked pattern stands; none in it says that the
// pattern is new. It is valid until the next call.
func (t *pathTrie) slot(pattern string) *uint32 {
	if t.next == nil {
		t.next, t.nodes = map[pathEdge]uint32{}, []pathNode{{page: none, folder: none}}
	}
	segments := strings.Split(pattern[1:], "/")
	node := uint32(0)
	for i, s := range segments {
		if s == "*" && i == len(segments)-1 {
			return &t.nodes[node].folder
		}
		edge := pathEdge{node, string(decode(nil, []byte(s), false))}
		child := t.nodes[node].star
		if s != "*" {
			child = t.next[edge]
		}
		if child == 0 {
			child = uint32(len(t.nodes))
			t.nodes = append(t.nodes, pathNode{page: none, folder: none})
			if s == "*" {
				t.nodes[node].star = child
			} else {
				t.next[edge] = child
			}
		}
		node = child
	}
	return &t.nodes[node].page
}

// each calls met with the number of each pattern that a path matches.
func (t *pathTrie) each(path []byte, w *Scratch, met func(number uint32)) {
	if len(t.nodes) == 0 || len(path) == 0 || path[0] != '/' {
		return
	}
	nodes, following := append(w.nodes[:0], 0), w.following[:0]
	rest := path[1:]
	for more := true; more && len(nodes) > 0; {
		var segment []byte
		segment, rest, more = bytes.Cut(rest, slash)
		segment = w.decode(segment, false)
		for _, n := range nodes {
			node := &t.nodes[n]
			if node.folder != none {
				met(node.folder)
			}
			if child, ok := t.next[pathEdge{n, string(segment)}]; ok {
				following = append(following, child)
			}
			if node.star != 0 && len(segment) > 0 {
				following = append(following, node.star)
			}
		}
		nodes, following = following, nodes[:0]
	}
	for _, n := range nodes {
		if number := t.nodes[n].page; number != none {
			met(number)
		}
	}
	w.nodes, w.following = nodes, following
}

var slash = []byte{'/'}
