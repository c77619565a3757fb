package rules

import (
	"fmt"
	"slices"
	"strings"
)

// itemIndex finds the patterns that an id matches, by as many look-ups as there
// are different lengths of prefixes.
type itemIndex struct {
	exact    map[string]uint32
	prefixes map[string]uint32
	lengths  []int // of prefixes, ascending
}

func checkItem(pattern string) error {
	if id := strings.TrimSuffix(pattern, "*"); id == "" || strings.ContainsAny(id, "*,") {
		return fmt.Errorf("item %q: want an id such as sku-17, or sku-1* for all that begin with sku-1", pattern)
	}
	return nil
}

// add puts a checked pattern in, each once.
func (x *itemIndex) add(pattern string, number uint32) {
	if x.exact == nil {
		x.exact, x.prefixes = map[string]uint32{}, map[string]uint32{}
	}
	prefix, ok := strings.CutSuffix(pattern, "*")
	if !ok {
		x.exact[pattern] = number
		return
	}
	x.prefixes[prefix] = number
	if i, known := slices.BinarySearch(x.lengths, len(prefix)); !known {
		x.lengths = slices.Insert(x.lengths, i, len(prefix))
	}
}

// each calls met with the number of each pattern that an id matches.
func (x *itemIndex) each(id []byte, met func(number uint32)) {
	if len(id) == 0 {
		return
	}
	if n, ok := x.exact[string(id)]; ok {
		met(n)
	}
	for _, length := range x.lengths {
		if length > len(id) {
			return
		}
		if n, ok := x.prefixes[string(id[:length])]; ok {
			met(n)
		}
	}
}
