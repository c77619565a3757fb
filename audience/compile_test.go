package audience

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
		saved := shelf{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "declare":
				return declare(t, s, d)
			case "hits":
				return hits(t, s, d)
			case "mask":
				return mask(t, s, d)
			case "delete":
				for name := range strings.FieldsSeq(d.Input) {
					if err := s.DeleteLabel(name); err != nil {
						d.Fatalf(t, "%v", err)
					}
				}
				return commit(t, s, nil, d)
			case "segment":
				name, text, _ := strings.Cut(d.Input, " ")
				e, err := Parse(text)
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				saved[name] = e
				return ""
			case "users":
				return ask(t, s, saved, d)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

// shelf is the saved segments of a script, and one lookalike: users 1 and 4 of
// a day long ago.
type shelf map[string]Expr

func (s shelf) Resolve(function, name string) (Definition, bool, error) {
	if function == FuncLookalike {
		return Definition{Set: chosen{1, 4}}, name == "twins", nil
	}
	e, ok := s[name]
	return Definition{Expr: e}, ok, nil
}

func (s shelf) Names(string) []string { return slices.Sorted(maps.Keys(s)) }

// chosen is users picked earlier.
type chosen []storage.Ordinal

func (c chosen) Chunk(dst *block.Words, chunk int) error {
	dst.Clear()
	for _, u := range c {
		if u.Chunk() == chunk {
			dst.Set(u.Low())
		}
	}
	return nil
}

func (c chosen) Chunks() int { return 1 }

func (c chosen) Stamp() storage.Stamp { return storage.Stamp{Day: storage.DayOf(noon) - 10} }

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
	return commit(t, s, nil, d)
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
	if batch != nil {
		if _, err := s.Append(batch); err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	if err := s.Sync(); err != nil {
		d.Fatalf(t, "%v", err)
	}
	return ""
}

func ask(t *testing.T, s *storage.Store, saved shelf, d *datadriven.TestData) string {
	op := permit.Count
	if d.HasArg("export") {
		op = permit.Export
	}
	e, err := Parse(d.Input)
	if err != nil {
		return err.Error() + "\n"
	}
	v := s.View()
	set, warnings, err := Compile(v, e, saved)
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
	_, _, err := Compile(v, e, nil)
	var own *Error
	if !errors.As(err, &own) || own.Column != 0 {
		t.Errorf("error %v, want one without a place", err)
	}
	if _, _, err := Compile(v, &Label{Name: "sen"}, nil); err == nil || strings.Contains(err.Error(), "^") {
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
		if got, _ := Nearest(row.word, names); got != row.want {
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
	viewReader
	anys, days int
}

func (c *counting) reader() chunkReader { return &countingChunk{c.viewReader.reader(), c} }

type countingChunk struct {
	chunkReader
	told *counting
}

func (c *countingChunk) Any(parts []block.Part, l storage.Label) ([]block.Part, error) {
	c.told.anys++
	return c.chunkReader.Any(parts, l)
}

func (c *countingChunk) Days(parts []block.Part, l storage.Label, from, to storage.Day) ([]block.Part, error) {
	c.told.days++
	return c.chunkReader.Days(parts, l, from, to)
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
		view := &counting{viewReader: viewReader{s.View()}}
		f, _, err := compile(view, e, nil)
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
	set, _, err := Compile(v, e, nil)
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
	set, _, err := Compile(v, &Not{&Label{Name: "or"}}, nil)
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
