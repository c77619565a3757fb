package block

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// randomPart draws a part of up to n users, and the same users as a map.
func randomPart(r *rand.Rand, n int) (Part, map[uint16]bool) {
	users := map[uint16]bool{}
	var keys []Key
	for range n {
		low := uint16(r.Uint32())
		if !users[low] {
			users[low] = true
			keys = append(keys, MakeKey(7, low))
		}
	}
	var builder Builder
	b, _ := builder.Merge(nil, builder.Sort(keys))
	return b.Part(7), users
}

func randomWords(r *rand.Rand, n int) *Words {
	var w Words
	p, _ := randomPart(r, n)
	p.Or(&w)
	return &w
}

// TestPartAgainstMaps holds every operation of a part, as array and as bitmap,
// against sets of numbers.
func TestPartAgainstMaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 70, 4000, 4096, 4300, 30_000, 200_000} {
		for _, dense := range []int{0, 3, 500, 50_000, 400_000} {
			p, users := randomPart(r, n)
			w := randomWords(r, dense)
			var listed Words
			p.Or(&listed)
			list := listed.AppendTo([]uint32{7}, 3<<16)
			if len(list) != 1+len(users) || list[0] != 7 || !slices.IsSorted(list) {
				t.Fatalf("%d users: a list of %d", len(users), len(list))
			}
			for _, u := range list[1:] {
				if u>>16 != 3 || !users[uint16(u)] {
					t.Fatalf("%d users: %d is listed", len(users), u)
				}
			}
			if p.Card() != len(users) {
				t.Fatalf("%d users: card %d", len(users), p.Card())
			}
			or, and, andNot := *w, *w, *w
			p.Or(&or)
			p.And(&and)
			p.AndNot(&andNot)
			masked := *randomWords(r, 100)
			before := masked
			p.OrCommon(&masked, w)
			common := 0
			for u := range Users {
				low := uint16(u)
				in, has := users[low], w.Has(low)
				if in && has {
					common++
				}
				if masked.Has(low) != (before.Has(low) || in && has) {
					t.Fatalf("%d users and %d: user %d: or common %v", n, dense, low, masked.Has(low))
				}
				if or.Has(low) != (in || has) || and.Has(low) != (in && has) || andNot.Has(low) != (has && !in) {
					t.Fatalf("%d users and %d: user %d: or %v, and %v, and not %v", n, dense, low, or.Has(low), and.Has(low), andNot.Has(low))
				}
			}
			if got := p.Lacking(w); got != w.Count()-common {
				t.Fatalf("%d users and %d: %d lacking, want %d", n, dense, got, w.Count()-common)
			}
			if got := p.Common(w); got != common {
				t.Fatalf("%d users and %d: %d in common, want %d", n, dense, got, common)
			}
		}
	}
}

// TestUnite unites up to ten parts of either kind, over words of any content.
func TestUnite(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	meets := 0
	defer func() {
		if meets == 0 {
			t.Error("nothing was met in one pass")
		}
	}()
	for n := range 11 {
		for range 20 {
			var want Words
			parts := make([]Part, n)
			for i := range parts {
				parts[i], _ = randomPart(r, []int{0, 50, 6000, 60_000}[r.IntN(4)])
				parts[i].Or(&want)
			}
			got := randomWords(r, 300)
			got.Unite(parts)
			if *got != want {
				t.Fatalf("%d parts: %d users, want %d", n, got.Count(), want.Count())
			}
			before := randomWords(r, 20_000)
			met := *before
			if both := *before; met.Meet(parts) {
				both.And(&want)
				if met != both {
					t.Fatalf("%d parts: %d users met, want %d", n, met.Count(), both.Count())
				}
				meets++
			} else if met != *before {
				t.Fatalf("%d parts: not met, but changed", n)
			}
			if got, ok := Together(parts, nil); ok && got != want.Count() || !ok && n < 2 {
				t.Fatalf("%d parts: %d users together, %v, want %d", n, got, ok, want.Count())
			}
			both := *before
			both.And(&want)
			if got, ok := Together(parts, before); ok && got != both.Count() {
				t.Fatalf("%d parts: %d users together in a set, want %d", n, got, both.Count())
			}
		}
	}
}

func BenchmarkUnite(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, row := range []struct {
		name  string
		parts int
		users int
	}{{"1 bitmap", 1, 20_000}, {"4 bitmaps", 4, 20_000}, {"10 bitmaps", 10, 20_000}, {"10 arrays", 10, 2000}} {
		parts := make([]Part, row.parts)
		for i := range parts {
			parts[i], _ = randomPart(r, row.users)
		}
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			var w Words
			for b.Loop() {
				w.Unite(parts)
			}
		})
	}
}
