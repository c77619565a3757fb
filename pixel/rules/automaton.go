package rules

// automaton finds many words and phrases in a folded text at once, after Aho and
// Corasick: one step a byte, whatever their number. Every pattern begins and ends
// with a space, so patterns end only where a space was read, and the spaces
// around words are shared by neighbours.
type automaton struct {
	// class maps bytes to columns of next; 0 is any byte of no pattern.
	class   [256]uint8
	classes uint32
	// next has a row of classes for each state; states are offsets of
	// rows, that of nothing read is 0.
	next []uint32
	// ends is the pattern that ends in a state, by the state's row, or none;
	// shorter is the state where the next shorter pattern that ends here is
	// found, or 0.
	ends    []uint32
	shorter []uint32
}

// none stands for no number.
const none = ^uint32(0)

// newAutomaton makes an automaton of folded patterns, each given once.
func newAutomaton(patterns []string) *automaton {
	a := &automaton{classes: 1, ends: []uint32{none}, shorter: []uint32{0}}
	for _, p := range patterns {
		for i := range len(p) {
			if a.class[p[i]] == 0 {
				a.class[p[i]] = uint8(a.classes) // no text of UTF-8 uses all 255
				a.classes++
			}
		}
	}
	a.next = make([]uint32, a.classes)
	for i, p := range patterns {
		state := uint32(0)
		for j := range len(p) {
			edge := state + uint32(a.class[p[j]])
			if a.next[edge] == 0 {
				a.next[edge] = uint32(len(a.next))
				a.next = append(a.next, make([]uint32, a.classes)...)
				a.ends, a.shorter = append(a.ends, none), append(a.shorter, 0)
			}
			state = a.next[edge]
		}
		a.ends[state/a.classes] = uint32(i)
	}
	a.complete()
	return a
}

// complete turns the trie into an automaton: where a state has no edge of its
// own, it takes that of the longest other state its text ends with. Shorter texts
// come first, so what a state falls back to is complete before it.
func (a *automaton) complete() {
	fall := make([]uint32, len(a.ends))
	queue := []uint32{}
	for c := range a.classes {
		if child := a.next[c]; child != 0 {
			queue = append(queue, child)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		state := queue[0]
		back := fall[state/a.classes]
		if a.ends[back/a.classes] != none {
			a.shorter[state/a.classes] = back
		} else {
			a.shorter[state/a.classes] = a.shorter[back/a.classes]
		}
		for c := range a.classes {
			if child := a.next[state+c]; child != 0 {
				fall[child/a.classes] = a.next[back+c]
				queue = append(queue, child)
			} else {
				a.next[state+c] = a.next[back+c]
			}
		}
	}
}

// scan calls found with every pattern in a folded text, perhaps several times.
func (a *automaton) scan(text []byte, found func(pattern uint32)) {
	state := uint32(0)
	for _, c := range text {
		state = a.next[state+uint32(a.class[c])]
		if c != ' ' {
			continue
		}
		for at := state; at != 0; at = a.shorter[at/a.classes] {
			if p := a.ends[at/a.classes]; p != none {
				found(p)
			}
		}
	}
}
