package audience

import (
	"context"
	"fmt"
	"math/bits"
	"sync"

	"sosie/storage/block"
)

// The limits of an overlap.
const (
	// MaxOverlap is the most sets compared at once.
	MaxOverlap = 32
	// maxEvery is the most sets of which every intersection is told.
	maxEvery = 4
)

// Intersection is how many users some sets have in common, whatever others they
// are in.
type Intersection struct {
	// Sets are the places of the sets in the question, ascending.
	Sets []int `json:"sets"`
	// Users is the number of users that are in all of them.
	Users uint64 `json:"users"`
}

// Overlap returns the intersections of two to MaxOverlap sets of the same view,
// exactly: each set alone, then pairs, then more. Of up to four sets it is every
// intersection, of more the pairs. union is the number of users in any of them.
func Overlap(ctx context.Context, sets []Set) (found []Intersection, union uint64, err error) {
	if len(sets) < 2 || len(sets) > MaxOverlap {
		return nil, 0, fmt.Errorf("overlap of %d sets: want 2 to %d", len(sets), MaxOverlap)
	}
	groups := groupsOf(len(sets))
	totals := make([]uint64, len(groups))
	var adding sync.Mutex
	err = everyChunk(ctx, sets[0].Chunks(), func(next func() (int, bool)) error {
		words := make([]block.Words, len(sets))
		counts := make([]uint64, len(groups))
		var own uint64
		for chunk, ok := next(); ok; chunk, ok = next() {
			for i, s := range sets {
				if err := s.Chunk(&words[i], chunk); err != nil {
					return fmt.Errorf("overlap chunk %d: %w", chunk, err)
				}
			}
			for g, group := range groups {
				counts[g] += common(words, group)
			}
			own += anyOf(words)
		}
		adding.Lock()
		defer adding.Unlock()
		for g, n := range counts {
			totals[g] += n
		}
		union += own
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	for g, group := range groups {
		found = append(found, Intersection{Sets: group, Users: totals[g]})
	}
	return found, union, nil
}

// groupsOf lists the groups of n sets that are compared, small ones first.
func groupsOf(n int) (groups [][]int) {
	largest := 2
	if n <= maxEvery {
		largest = n
	}
	var extend func(group []int, from, size int)
	extend = func(group []int, from, size int) {
		if len(group) == size {
			groups = append(groups, append([]int(nil), group...))
			return
		}
		for i := from; i < n; i++ {
			extend(append(group, i), i+1, size)
		}
	}
	for size := 1; size <= largest; size++ {
		extend(nil, 0, size)
	}
	return groups
}

func common(words []block.Words, group []int) uint64 {
	first := &words[group[0]]
	if len(group) == 1 {
		return uint64(first.Count())
	}
	n := 0
	for i := range first {
		x := first[i]
		for _, g := range group[1:] {
			x &= words[g][i]
		}
		n += bits.OnesCount64(x)
	}
	return uint64(n)
}

func anyOf(words []block.Words) uint64 {
	n := 0
	for i := range block.WordCount {
		var x uint64
		for w := range words {
			x |= words[w][i]
		}
		n += bits.OnesCount64(x)
	}
	return uint64(n)
}
