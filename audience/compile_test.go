package audience

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// The scripts under testdata/answers tell stories: labels are declared, users
// hit on days (0 is today, 3 three days ago), and segments are asked for.
func TestAnswerScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/answers", func(t *testing.T, path string) {
		s := openStore(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "declare":
				return declare(t, s, d)
			case "hits":
				return hits(t, s, d)
			case "mask":
				return mask(t, s, d)
			case "users":
				return ask(t, s, d)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func declare(t *testing.T, s *storage.Store, d *datadriven.TestData) string {
	var specs []storage.LabelSpec
	for line := range strings.Lines(d.Input) {
		fields := strings.Fields(line)
		spec := storage.LabelSpec{Name: fields[0]}
		if len(fields) > 1 {
			spec.Retention = number(t, d, fields[1])
		}
		specs = append(specs, spec)
	}
	if _, err := s.Declare(specs...); err != nil {
		d.Fatalf(t, "%v", err)
	}
	return ""
}

func hits(t *testing.T, s *storage.Store, d *datadriven.TestData) string {
	var batch storage.Records
	for line := range strings.Lines(d.Input) {
		fields := strings.Fields(line)
		var labels []storage.Label
		for _, name := range fields[2:] {
			l, ok := s.Labels().Lookup(name)
			if !ok {
				d.Fatalf(t, "label %s is not declared", name)
			}
			labels = append(labels, l)
		}
		batch.Hit(storage.Ordinal(number(t, d, fields[0])), storage.DayOf(noon)-storage.Day(number(t, d, fields[1])), labels...)
	}
	return commit(t, s, &batch, d)
}

func mask(t *testing.T, s *storage.Store, d *datadriven.TestData) string {
	var batch storage.Records
	for line := range strings.Lines(d.Input) {
		fields := strings.Fields(line)
		for _, m := range []storage.Mask{storage.Erased, storage.OptedOut, storage.Robot} {
			if m.String() == fields[1] {
				batch.Mask(m, storage.Ordinal(number(t, d, fields[0])), true)
			}
		}
	}
	return commit(t, s, &batch, d)
}

func commit(t *testing.T, s *storage.Store, batch *storage.Records, d *datadriven.TestData) string {
	if _, err := s.Append(batch); err != nil {
		d.Fatalf(t, "%v", err)
	}
	if err := s.Sync(); err != nil {
		d.Fatalf(t, "%v", err)
	}
	return ""
}

func ask(t *testing.T, s *storage.Store, d *datadriven.TestData) string {
	op := permit.Count
	if d.HasArg("export") {
		op = permit.Export
	}
	e, err := Parse(d.Input)
	if err != nil {
		return err.Error() + "\n"
	}
	v := s.View()
	set, warnings, err := Compile(v, e)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, w := range warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	found := users(t, Permitted(set, v, op))
	if len(found) == 0 {
		b.WriteString("nobody")
	}
	for i, u := range found {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, u)
	}
	return b.String() + "\n"
}

func number(t *testing.T, d *datadriven.TestData, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return n
}

func TestCompileRefusesWhatParseWould(t *testing.T) {
	v := openStore(t).View()
	e := &Within{Of: &Not{&Label{Name: "seen"}}, Days: 7}
	_, _, err := Compile(v, e)
	var own *Error
	if !errors.As(err, &own) || own.Column != 0 {
		t.Errorf("error %v, want one without a place", err)
	}
	if _, _, err := Compile(v, &Label{Name: "sen"}); err == nil || strings.Contains(err.Error(), "^") {
		t.Errorf("error %v, want one without a caret", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"bought/racket", "interest/organic", "interest/tennis", "or", "place/italy", "seen"}
	for _, row := range []struct{ word, want string }{
		{"interest/tenis", "interest/tennis"},
		{"interst/organik", "interest/organic"},
		{"racket", "bought/racket"},
		{"sene", "seen"},
		{"x", ""},
		{"purchase/anything", ""},
	} {
		if got, _ := nearest(row.word, names); got != row.want {
			t.Errorf("nearest to %s is %q, want %q", row.word, got, row.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b        string
		limit, want int
	}{
		{"", "", 0, 0}, {"abc", "abc", 0, 0}, {"abc", "abd", 3, 1}, {"abc", "bc", 3, 1}, {"abc", "xabc", 3, 1},
		{"kitten", "sitting", 9, 3}, {"kitten", "sitting", 2, 3}, {"a", "aaaaaa", 2, 3}, {"abcdef", "uvwxyz", 3, 4},
	} {
		if got := distance(row.a, row.b, row.limit); got != row.want {
			t.Errorf("distance %q to %q within %d: %d, want %d", row.a, row.b, row.limit, got, row.want)
		}
	}
}

// counting tells how a plan reads a view.
type counting struct {
	reader
	anys, days int
}

func (c *counting) OrAny(dst *block.Words, chunk int, l storage.Label) error {
	c.anys++
	return c.reader.OrAny(dst, chunk, l)
}

func (c *counting) OrDays(dst *block.Words, chunk int, l storage.Label, from, to storage.Day) error {
	c.days++
	return c.reader.OrDays(dst, chunk, l, from, to)
}

// What is simplified shows in the reads of one chunk. Users carry a and b;
// nobody carries none.
func TestReads(t *testing.T) {
	s := openStore(t)
	labels, err := s.Declare(storage.LabelSpec{Name: "a", Retention: 30}, storage.LabelSpec{Name: "b"}, storage.LabelSpec{Name: "none"})
	if err != nil {
		t.Fatal(err)
	}
	var batch storage.Records
	batch.Hit(1, storage.DayOf(noon), labels[0], labels[1])
	batch.Hit(2, storage.DayOf(noon), labels[0])
	if _, err := s.Append(&batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		source     string
		anys, days int
	}{
		{"a", 1, 0},
		{"not not a", 1, 0},
		{"a or a or a within 7d", 1, 0},
		{"a within 7d or (a within 3d or b)", 1, 1},
		{"a within 29d", 0, 1},
		{"a within 30d", 1, 0},
		{"seen or a or b", 1, 0},
		{"seen and a", 1, 0},
		{"seen", 1, 0},
		{"not seen", 0, 0},
		{"a and not seen", 0, 0},
		{"not x/*", 1, 0},
		{"a and x/*", 0, 0},
		{"a or x/*", 1, 0},
		{"not a and not b", 3, 0},
		{"not a or not b or not none", 4, 0},
		{"a and not b and not none", 3, 0},
		{"b within 7d and none", 1, 0},
		{"none and a and b", 1, 0},
		{"none and not b", 1, 0},
		{"a and (b and (none and a))", 3, 0},
	} {
		e, err := Parse(row.source)
		if err != nil {
			t.Fatal(err)
		}
		view := &counting{reader: s.View()}
		f, _, err := compile(view, e)
		if err != nil {
			t.Fatal(err)
		}
		var w block.Words
		if err := f.Chunk(&w, 0); err != nil {
			t.Fatal(err)
		}
		if view.anys != row.anys || view.days != row.days {
			t.Errorf("%s: %d reads of any time and %d of days, want %d and %d", row.source, view.anys, view.days, row.anys, row.days)
		}
	}
}

func TestChunkAllocatesNothing(t *testing.T) {
	s := openStore(t)
	history(t, s, seeded(1))
	v := s.View()
	e, err := Parse("(a/1 or not (b/1 and not a/2)) and not (a/* within 40d and b/2) or not b/*")
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := Compile(v, e)
	if err != nil {
		t.Fatal(err)
	}
	set = Permitted(set, v, permit.Export)
	var w block.Words
	allocations := testing.AllocsPerRun(100, func() {
		if err := set.Chunk(&w, 1); err != nil {
			t.Fatal(err)
		}
	})
	// Under the race detector pools drop things at random.
	if allocations > 0 && !raceEnabled {
		t.Errorf("%v allocations a chunk, want none", allocations)
	}
}

func TestChunkBeyondTheLastIsEmpty(t *testing.T) {
	s := openStore(t)
	history(t, s, seeded(1))
	v := s.View()
	set, _, err := Compile(v, &Not{&Label{Name: "or"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []Set{set, Permitted(set, v, permit.Count)} {
		var w block.Words
		w.Fill()
		if err := set.Chunk(&w, set.Chunks()); err != nil || !w.Empty() {
			t.Errorf("chunk beyond the last: %d users, %v", w.Count(), err)
		}
	}
}
