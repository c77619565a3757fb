package audience

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sosie/audience/permit"
	"sosie/storage"
)

// TestOverlapAgainstModel counts every group of the expressions in plain loops.
func TestOverlapAgainstModel(t *testing.T) {
	s := openStore(t)
	m := history(t, s, seeded(4))
	v := s.View()
	sources := []string{"a/*", "b/1 within 30d", "not a/2", `"or"`, "seen", "a/1 on 2+ days"}
	for n := 2; n <= len(sources); n++ {
		var sets []Set
		var answers [][]storage.Ordinal
		for _, source := range sources[:n] {
			e, err := Parse(source)
			if err != nil {
				t.Fatal(err)
			}
			set, _, err := Compile(v, e, nil)
			if err != nil {
				t.Fatal(err)
			}
			sets = append(sets, Permitted(set, v, permit.Count))
			answers = append(answers, m.answer(e, storage.Erased, storage.OptedOut))
		}
		found, union, err := Overlap(context.Background(), sets)
		if err != nil {
			t.Fatal(err)
		}
		groups := map[int]int{2: 3, 3: 7, 4: 15, 5: 15, 6: 21}[n]
		if len(found) != groups {
			t.Errorf("%d sets: %d intersections, want %d", n, len(found), groups)
		}
		for _, in := range found {
			both := answers[in.Sets[0]]
			for _, i := range in.Sets[1:] {
				both = slices.DeleteFunc(slices.Clone(both), func(u storage.Ordinal) bool { return !slices.Contains(answers[i], u) })
			}
			if in.Users != uint64(len(both)) {
				t.Errorf("%d sets: %v have %d users in common, want %d", n, in.Sets, in.Users, len(both))
			}
		}
		all := slices.Concat(answers...)
		slices.Sort(all)
		if want := len(slices.Compact(all)); union != uint64(want) {
			t.Errorf("%d sets: union of %d, want %d", n, union, want)
		}
	}
	for _, n := range []int{0, 1, MaxOverlap + 1} {
		if _, _, err := Overlap(context.Background(), make([]Set, n)); err == nil {
			t.Errorf("an overlap of %d sets is answered", n)
		}
	}
}

func TestAffinityAgainstModel(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		s := openStore(t)
		m := history(t, s, seeded(5))
		if sealed {
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
		}
		v := s.View()
		for _, source := range []string{"a/1", "not b/*", "seen", "b/1 and not b/1"} {
			e, err := Parse(source)
			if err != nil {
				t.Fatal(err)
			}
			set, _, err := Compile(v, e, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Affine(context.Background(), v, Permitted(set, v, permit.Count), permit.Count)
			if err != nil {
				t.Fatal(err)
			}
			everyone, _, err := Compile(v, &Label{Name: "seen"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			among, err := AffineAmong(context.Background(), v, Permitted(set, v, permit.Count), Permitted(everyone, v, permit.Count))
			if err != nil || !reflect.DeepEqual(got, among) {
				t.Errorf("%s among everybody: %v, %v, want %v", source, err, among, got)
			}
			want := m.answer(e, storage.Erased, storage.OptedOut)
			everybody := m.answer(&Label{Name: "seen"}, storage.Erased, storage.OptedOut)
			if got.Set != uint64(len(want)) || got.Population != uint64(len(everybody)) {
				t.Fatalf("%s: %d of %d users, want %d of %d", source, got.Set, got.Population, len(want), len(everybody))
			}
			if len(got.Labels) != 6 {
				t.Errorf("%s: %d labels, want the six that are not reserved", source, len(got.Labels))
			}
			for i, a := range got.Labels {
				carriers := m.answer(&Label{Name: a.Label}, storage.Erased, storage.OptedOut)
				common := 0
				for _, u := range carriers {
					if slices.Contains(want, u) {
						common++
					}
				}
				if a.Users != uint64(len(carriers)) || a.Common != uint64(common) {
					t.Errorf("%s and %s: %d of %d users, want %d of %d", source, a.Label, a.Common, a.Users, common, len(carriers))
				}
				lift := 0.0
				if len(want) > 0 {
					lift = float64(common) / float64(len(want)) / (float64(len(carriers)) / float64(len(everybody)))
				}
				if d := a.Lift - lift; d > 1e-9 || d < -1e-9 {
					t.Errorf("%s and %s: lift %v, want %v", source, a.Label, a.Lift, lift)
				}
				if i > 0 && a.Lift > got.Labels[i-1].Lift {
					t.Errorf("%s: %s comes after a label of lower lift", source, a.Label)
				}
			}
		}
	}
}

// TestExplain shows plans: what is narrowed first, what became one union, what
// was not evaluated at all.
func TestExplain(t *testing.T) {
	s := openStore(t)
	history(t, s, seeded(6))
	v := s.View()
	for _, row := range []struct {
		source string
		want   string
	}{
		{"a/1 or a/2 or b/*", "a/1, a/2, b/1, b/2"},
		{"a/1 within 3d", "a/1 from 2026-11-22 to 2026-11-24"},
		{"b/1 within 20d and a/1 and not seen within 1d", "all but the last of [a/1 | b/1 from 2026-11-05 to 2026-11-24 | seen on 2026-11-24]"},
		{"not a/1", "all but the last of [seen | a/1]"},
		{"a/1 on 2+ days within 4d", "on 2+ days: a/1 from 2026-11-21 to 2026-11-24"},
		{"a/1 then b/1 within 3d", "a/1 from 2026-11-20 to 2026-11-24, then within 3d after: b/1 from 2025-10-26 to 2026-11-24"},
		{"a/1 or b/1 and b/2", "any of [a/1 | all of, cheapest first [b/1 | b/2]]"},
		{"x/*", "nobody"},
	} {
		e, err := Parse(row.source)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := Explain(context.Background(), v, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := planOf(out.Plan); got != row.want {
			t.Errorf("%s: %s, want %s", row.source, got, row.want)
		}
		set, _, err := Compile(v, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := Count(context.Background(), Permitted(set, v, permit.Count)); err != nil || n != out.Users || out.Chunks != v.Chunks() {
			t.Errorf("%s: explained %d users of %d chunks, counted %d of %d, %v", row.source, out.Users, out.Chunks, n, v.Chunks(), err)
		}
		if out.Plan.Bitmaps == 0 && row.want != "nobody" || out.Plan.Took < 0 || out.Plan.Took > time.Minute {
			t.Errorf("%s: %d bitmaps in %s", row.source, out.Plan.Bitmaps, out.Plan.Took)
		}
	}
}

func planOf(s *Step) string {
	if len(s.Of) == 0 {
		return s.Does
	}
	var parts []string
	for _, part := range s.Of {
		parts = append(parts, planOf(part))
	}
	return fmt.Sprintf("%s [%s]", s.Does, strings.Join(parts, " | "))
}

func TestCallsAndRename(t *testing.T) {
	e, err := Parse("segment(a) and not (segment(b) or segment(a) and lookalike(a) as of 2026-01-01) or x")
	if err != nil {
		t.Fatal(err)
	}
	if got := Calls(e, FuncSegment); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("calls %v", got)
	}
	Rename(e, FuncSegment, "a", "c")
	if got, want := e.String(), "segment(c) and not (segment(b) or segment(c) and lookalike(a) as of 2026-01-01) or x"; got != want {
		t.Errorf("renamed %s, want %s", got, want)
	}
}

// TestSegmentsThatNameEachOtherStayBounded asks for a formula that would have
// 2^40 labels.
func TestSegmentsThatNameEachOtherStayBounded(t *testing.T) {
	s := openStore(t)
	saved := shelf{"s0": &Label{Name: "seen"}}
	for i := 1; i <= 40; i++ {
		below := &Call{Function: FuncSegment, Name: fmt.Sprint("s", i-1)}
		saved[fmt.Sprint("s", i)] = &And{[]Expr{below, &Not{&Not{below}}}}
	}
	_, _, err := Compile(s.View(), &Call{Function: FuncSegment, Name: "s40"}, saved)
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("error %v, want one about too many labels", err)
	}
}

// TestTheDayZeroIsADay: 1970-01-01 is a day long before all others, not "any".
func TestTheDayZeroIsADay(t *testing.T) {
	s := openStore(t)
	history(t, s, seeded(9))
	for _, source := range []string{"a/1 as of 1970-01-01", "not a/1 as of 1970-01-01", "a/* within 7d as of 1970-01-01", "between(seen, 1970-01-01, 1970-01-01)"} {
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		set, _, err := Compile(s.View(), e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := Count(context.Background(), set); err != nil || n != 0 {
			t.Errorf("%s: %d users, %v", source, n, err)
		}
	}
}

// TestPlansStayBounded sees that few characters cannot ask for endless work.
func TestPlansStayBounded(t *testing.T) {
	s := openStore(t)
	specs := make([]storage.LabelSpec, 300)
	for i := range specs {
		specs[i].Name = fmt.Sprintf("p/%d", i)
	}
	if _, err := s.Declare(specs...); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	saved := shelf{"s0": &Label{Name: "seen"}}
	for i := 1; i <= 2*MaxDepth; i++ {
		saved[fmt.Sprint("s", i)] = &Not{&Call{Function: FuncSegment, Name: fmt.Sprint("s", i-1)}}
	}
	for _, row := range []struct{ source, says string }{
		{strings.Repeat("p/* or ", 1000) + "p/*", "more than 200000 labels"},
		{fmt.Sprintf("segment(s%d)", 2*MaxDepth), "deep"},
		{strings.Repeat("p/* or ", 600) + "p/* as of 2020-01-01", "kept for"},
	} {
		e, err := Parse(row.source)
		if err != nil {
			t.Fatal(err)
		}
		_, warnings, err := Compile(s.View(), e, saved)
		if err == nil {
			if len(warnings) > 1000 {
				t.Errorf("%.20s…: %d warnings", row.source, len(warnings))
			}
			err = fmt.Errorf("%v", warnings)
		}
		if !strings.Contains(err.Error(), row.says) {
			t.Errorf("%.20s…: %.200v, want %q", row.source, err, row.says)
		}
	}
}
