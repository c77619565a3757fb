package office

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sosie/audience"
)

// TestProtectTellsNoSmallCell: from what a buyer is told of random sets no number
// of few users follows by inclusion and exclusion.
func TestProtectTellsNoSmallCell(t *testing.T) {
	told, hidden := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "sets")
		drawn := rapid.SliceOfN(rapid.SampledFrom([]uint64{0, 0, 1, 5, 19, 20, 100, 1000}), 1<<n-1, 1<<n-1).Draw(t, "regions")
		regions := map[uint64]uint64{}
		for i, users := range drawn {
			regions[uint64(i+1)] = users
		}
		most := n
		if n > 4 {
			most = 2
		}
		size := func(within func(region uint64) bool) (users uint64) {
			for region, u := range regions {
				if within(region) {
					users += u
				}
			}
			return users
		}
		all, union := overlapOf(n, most, regions)
		shown, any := protect(all, union)
		var groups []uint64
		isTold := map[uint64]bool{}
		for i, x := range all {
			number := shown(x)
			groups = append(groups, groupOf(x.Sets))
			isTold[groups[i]] = number.word == ""
			if number.word == "" {
				told++
				if number.n != x.Users || x.Users < 20 {
					t.Fatalf("group %b of %d users is told as %d", groups[i], x.Users, number.n)
				}
			} else {
				hidden++
			}
		}
		for _, group := range groups {
			for in := group; in > 0; in = (in - 1) & group {
				// The cell follows when every group from in to the whole is told.
				follows := true
				for more := group &^ in; ; more = (more - 1) & (group &^ in) {
					follows = follows && isTold[in|more]
					if more == 0 {
						break
					}
				}
				cell := size(func(r uint64) bool { return r&group == in })
				if follows && small(cell) {
					t.Fatalf("of group %b the %d users in %b alone follow; regions %v", group, cell, in, regions)
				}
				for _, part := range groups {
					if isTold[part] && part&group == part && part&(part-1) != 0 && small(cell) {
						t.Fatalf("of group %b %d users are in %b alone, and %b is told; regions %v", group, cell, in, part, regions)
					}
				}
			}
		}
		if any.word != "" {
			return
		}
		for _, group := range groups {
			if !isTold[group] {
				t.Fatalf("the union is told although group %b is not", group)
			}
			rest := size(func(r uint64) bool { return r&group == 0 })
			parts := 0
			for g := group; g > 0; g &= g - 1 {
				parts++
			}
			if parts <= 2 && rest > 0 && rest < 20 {
				t.Fatalf("the union is told, and %d users beyond %b follow", rest, group)
			}
		}
	})
	if told == 0 || hidden == 0 {
		t.Errorf("%d numbers were told, %d hidden: the test shows nothing", told, hidden)
	}
}

// overlapOf compares sets of which regions says how many users are in these and in no
// other, a region being a set of sets as bits.
func overlapOf(n, largest int, regions map[uint64]uint64) (all []audience.Intersection, union uint64) {
	for group := uint64(1); group < 1<<n; group++ {
		x := audience.Intersection{}
		for s := range n {
			if group&(1<<s) != 0 {
				x.Sets = append(x.Sets, s)
			}
		}
		for region, users := range regions {
			if region&group == group {
				x.Users += users
			}
		}
		if len(x.Sets) <= largest {
			all = append(all, x)
		}
	}
	for _, users := range regions {
		union += users
	}
	return all, union
}

// TestProtectTellsNoDisjointParts: a small cell of three and more sets does not
// follow from the pairs by what is known of the expressions, also where the cell
// itself was not counted.
func TestProtectTellsNoDisjointParts(t *testing.T) {
	const a, p, q, r = 1, 2, 4, 8
	for name, c := range map[string]struct {
		sets, largest int
		regions       map[uint64]uint64
		told, held    [][]int
	}{
		"two parts of a set and five users": {3, 3, map[uint64]uint64{a: 5, a | p: 50, a | q: 45}, nil, [][]int{{0, 1}, {0, 2}}},
		"the same among others":             {5, 2, map[uint64]uint64{a: 5, a | p: 50, a | q: 45, r: 90, r | 16: 40}, [][]int{{3, 4}}, [][]int{{0, 1}, {0, 2}}},
		"three parts of a set":              {4, 4, map[uint64]uint64{a: 5, a | p: 50, a | q: 45, a | r: 60}, nil, [][]int{{0, 1}, {0, 2}, {0, 3}}},
		"all but what two have in common":   {5, 2, map[uint64]uint64{a | p: 90, a | q: 50, p | q: 60, q: 5, r: 90}, nil, [][]int{{0, 1}, {0, 2}, {1, 2}}},
		"two parts of a set and many":       {3, 3, map[uint64]uint64{a: 25, a | p: 50, a | q: 45}, [][]int{{0, 1}, {0, 2}}, nil},
		"many among others":                 {5, 2, map[uint64]uint64{a: 200, a | p: 50, a | q: 70, a | p | q: 100, r: 90, 16: 40}, [][]int{{0, 1}, {0, 2}, {1, 2}}, nil},
	} {
		all, union := overlapOf(c.sets, c.largest, c.regions)
		shown, _ := protect(all, union)
		for _, x := range all {
			among := func(groups [][]int) bool {
				return slices.ContainsFunc(groups, func(g []int) bool { return slices.Equal(g, x.Sets) })
			}
			number := shown(x)
			if among(c.told) && number.word != "" || among(c.held) && number.word != withheldWord || len(x.Sets) == 1 && number.n != x.Users {
				t.Errorf("%s: %v of %d users is told as %+v", name, x.Sets, x.Users, number)
			}
		}
	}
}

// TestProtectedRow: no cell of the table that a label and a set make follows from a
// row.
func TestProtectedRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SampledFrom([]uint64{0, 1, 19, 20, 500})
		both, set, label, none := draw.Draw(t, "both"), draw.Draw(t, "set only"), draw.Draw(t, "label only"), draw.Draw(t, "none")
		population := both + set + label + none
		row := protected(audience.Affinity{Label: "x", Users: both + label, Common: both}, population, both+set)
		if (row.Lift == nil) != (row.OfSet == nil) || (row.Lift == nil) != (row.OfLabel == nil) {
			t.Fatalf("a part of the ratios is told: %+v", row)
		}
		if row.Lift == nil && row.Common.word == "" {
			t.Fatalf("the ratios follow: %+v", row)
		}
		if row.Common.word != "" {
			return
		}
		for name, cell := range map[string]uint64{"both": both, "set only": set, "label only": label, "none": none} {
			if small(cell) {
				t.Fatalf("%s has %d users and follows from %+v", name, cell, row)
			}
		}
	})
}
