package segments

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sosie/audience"
	"sosie/storage"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// openShelf opens a shelf over a store with the labels a and b; its clock gains
// an hour whenever it is read.
func openShelf(t *testing.T) *Shelf {
	t.Helper()
	store, err := storage.Open(storage.Options{Dir: t.TempDir(), Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := store.Declare(storage.LabelSpec{Name: "a"}, storage.LabelSpec{Name: "b"}); err != nil {
		t.Fatal(err)
	}
	if err := store.Sync(); err != nil {
		t.Fatal(err)
	}
	now := noon
	clock := func() time.Time { now = now.Add(time.Hour); return now }
	bind := func(e audience.Expr, r audience.Resolver) error {
		_, _, err := audience.Compile(store.View(), e, r)
		return err
	}
	return New(store.Documents(), bind, clock)
}

func save(t *testing.T, s *Shelf, name, expression string) Segment {
	t.Helper()
	saved, err := s.Save(Segment{Name: name, Expression: expression}, false)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func names(t *testing.T, s *Shelf) string {
	t.Helper()
	all, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, segment := range all {
		out = append(out, segment.Name+" = "+segment.Expression)
	}
	return strings.Join(out, "; ")
}

func TestSaveKeepsCanonicalText(t *testing.T) {
	s := openShelf(t)
	first := save(t, s, "both", "(A AND (b))")
	if first.Expression != "a and b" || !first.Created.Equal(noon.Add(time.Hour)) {
		t.Errorf("saved %+v", first)
	}
	same, err := s.Save(Segment{Name: "both", Expression: "a and b", Note: "new"}, true)
	if err != nil || !same.Created.Equal(first.Created) || !same.Changed.Equal(first.Changed) || same.Note != "new" {
		t.Errorf("a new note: %+v, %v; nothing that it means has changed", same, err)
	}
	other, err := s.Save(Segment{Name: "both", Expression: "a or b"}, true)
	if err != nil || !other.Created.Equal(first.Created) || !other.Changed.After(first.Changed) {
		t.Errorf("another expression: %+v, %v", other, err)
	}
	if got, err := s.Get("both"); err != nil || !reflect.DeepEqual(got, other) {
		t.Errorf("kept %+v, %v, want %+v", got, err, other)
	}
}

func TestSaveRefuses(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	save(t, s, "two", "not segment(one)")
	for _, c := range []struct {
		name, expression string
		replace          bool
		want             error
		says             string
	}{
		{"one", "b", false, ErrExists, ""},
		{"Big", "a", false, ErrBadName, ""},
		{"", "a", false, ErrBadName, ""},
		{"a/b", "a", false, ErrBadName, ""},
		{strings.Repeat("x", 65), "a", false, ErrBadName, ""},
		{"three", "a and", false, nil, "ends too early"},
		{"three", "c", false, nil, "not declared"},
		{"three", "segment(four)", false, nil, "there is no segment"},
		{"three", "segment(three)", false, nil, "contains itself: three → three"},
		{"one", "a or segment(two)", true, nil, "contains itself: one → two → one"},
		{"three", "lookalike(one)", false, nil, "there is no lookalike"},
	} {
		_, err := s.Save(Segment{Name: c.name, Expression: c.expression}, c.replace)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("save %s as %q: error %v, want %v %s", c.expression, c.name, err, c.want, c.says)
		}
	}
	for _, bad := range []Segment{{Owner: strings.Repeat("x", 129)}, {Folder: "a\nb"}, {Note: strings.Repeat("x", 5000)}} {
		bad.Name, bad.Expression = "three", "a"
		if _, err := s.Save(bad, false); !errors.Is(err, ErrBadName) {
			t.Errorf("owner %.5q, folder %q, note %.5q: error %v", bad.Owner, bad.Folder, bad.Note, err)
		}
	}
	if got, want := names(t, s), "one = a; two = not segment(one)"; got != want {
		t.Errorf("after all that: %s, want %s", got, want)
	}
}

func TestRenameReachesThoseThatUseIt(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	save(t, s, "two", "segment(one) or b")
	save(t, s, "three", "not (segment(two) and segment(one))")
	if err := s.Measured(20_000, map[string]uint64{"one": 7}); err != nil {
		t.Fatal(err)
	}
	if err := s.Rename("one", "first"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, s), "first = a; three = not (segment(two) and segment(first)); two = segment(first) or b"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if sizes, err := s.Sizes("first"); err != nil || len(sizes) != 1 || sizes[0].Users != 7 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
	for _, c := range []struct {
		from, to string
		want     error
	}{{"one", "x", ErrUnknown}, {"first", "two", ErrExists}, {"first", "X", ErrBadName}, {"first", "first", ErrExists}} {
		if err := s.Rename(c.from, c.to); !errors.Is(err, c.want) {
			t.Errorf("rename %s to %s: %v, want %v", c.from, c.to, err, c.want)
		}
	}
}

func TestDeleteWaitsForThoseThatUseIt(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	save(t, s, "two", "segment(one)")
	save(t, s, "three", "segment(one)")
	if err := s.Delete("one"); !errors.Is(err, ErrUsed) || !strings.Contains(err.Error(), "three, two") {
		t.Errorf("error %v, want the two that use it", err)
	}
	for _, name := range []string{"two", "three", "one"} {
		if err := s.Delete(name); err != nil {
			t.Error(err)
		}
	}
	if err := s.Delete("one"); !errors.Is(err, ErrUnknown) {
		t.Errorf("deleted twice: %v", err)
	}
	if got := names(t, s); got != "" {
		t.Errorf("left: %s", got)
	}
}

func TestCopyStandsAlone(t *testing.T) {
	s := openShelf(t)
	if _, err := s.Save(Segment{Name: "one", Expression: "a", Owner: "ana", Folder: "x/y", Note: "n"}, false); err != nil {
		t.Fatal(err)
	}
	copied, err := s.Copy("one", "two")
	if err != nil || copied.Owner != "ana" || copied.Folder != "x/y" || copied.Note != "n" || copied.Expression != "a" {
		t.Errorf("copy %+v, %v", copied, err)
	}
	if _, err := s.Copy("one", "two"); !errors.Is(err, ErrExists) {
		t.Errorf("copied twice: %v", err)
	}
	if _, err := s.Copy("none", "three"); !errors.Is(err, ErrUnknown) {
		t.Errorf("copied nothing: %v", err)
	}
	if err := s.Delete("one"); err != nil {
		t.Error(err)
	}
}

func TestSizesAreOneADay(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	for _, point := range []Size{{100, 5}, {101, 6}, {101, 7}, {100, 9}, {103, 7}, {103, 7}} {
		if err := s.Measured(point.Day, map[string]uint64{"one": point.Users, "gone": 1}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Sizes("one")
	if want := []Size{{100, 5}, {101, 7}, {103, 7}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("sizes %v, %v, want %v", got, err, want)
	}
	if _, err := s.Sizes("gone"); !errors.Is(err, ErrUnknown) {
		t.Errorf("sizes of nothing: %v", err)
	}
}

// TestSizesAreOfOneExpression: a new note leaves them, another meaning begins anew.
func TestSizesAreOfOneExpression(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	if err := s.Measured(100, map[string]uint64{"one": 5}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		segment Segment
		want    int
	}{{Segment{Expression: "(A)", Note: "new"}, 1}, {Segment{Expression: "a and b"}, 0}, {Segment{Expression: "a"}, 0}} {
		c.segment.Name = "one"
		if _, err := s.Save(c.segment, true); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Sizes("one"); err != nil || len(got) != c.want {
			t.Errorf("saved as %s: sizes %v, %v, want %d", c.segment.Expression, got, err, c.want)
		}
	}
}

// TestTenYearsOfSizesFit sees that a full history fits into a document.
func TestTenYearsOfSizesFit(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	history := make([]Size, maxSizes)
	for i := range history {
		history[i] = Size{Day: storage.Day(i + 20_000), Users: 4_294_967_295}
	}
	err := s.documents.Edit(func(edit *storage.Edit) error { return put(edit, KindSizes, "one", history) })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Measured(20_000+maxSizes, map[string]uint64{"one": 1}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Sizes("one")
	if err != nil || len(got) != maxSizes || got[0].Day != 20_001 || got[maxSizes-1].Users != 1 {
		t.Errorf("%d points, %v", len(got), err)
	}
}
