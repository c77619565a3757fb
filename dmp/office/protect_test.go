package office

import (
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
		regions := rapid.SliceOfN(rapid.SampledFrom([]uint64{0, 0, 1, 5, 19, 20, 100, 1000}), 1<<n-1, 1<<n-1).Draw(t, "regions")
		most := n
		if n > 4 {
			most = 2
		}
		size := func(within func(region uint64) bool) (users uint64) {
			for i, u := range regions {
				if within(uint64(i + 1)) {
					users += u
				}
			}
			return users
		}
		var all []audience.Intersection
		var groups []uint64
		for group := uint64(1); group < 1<<n; group++ {
			var sets []int
			for s := range n {
				if group&(1<<s) != 0 {
					sets = append(sets, s)
				}
			}
			if len(sets) <= most {
				groups = append(groups, group)
				all = append(all, audience.Intersection{Sets: sets, Users: size(func(r uint64) bool { return r&group == group })})
			}
		}
		union := size(func(uint64) bool { return true })
		shown, any := protect(all, union)
		isTold := map[uint64]bool{}
		for i, x := range all {
			number := shown(x)
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
				if follows && cell > 0 && cell < 20 {
					t.Fatalf("of group %b the %d users in %b alone follow; regions %v", group, cell, in, regions)
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
