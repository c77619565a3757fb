package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sosie/storage/block"
)

// examined makes a store with two chunks, a sealed and an open day, and ids.
func examined(t *testing.T) (*Store, *testClock) {
	t.Helper()
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	labels := declare(t, s, LabelSpec{Name: "interest/tennis"})
	space, err := s.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewUsers(70_000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var r Records
		for _, u := range []Ordinal{1, 2, 69_000} {
			r.Hit(u, clock.Day(), labels...)
			r.ID(space, []byte{'a' + byte(u), 'x'}, u, clock.Day())
		}
		if _, err := s.Append(&r); err != nil {
			t.Fatal(err)
		}
		if err := s.Seal(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(24 * time.Hour)
	}
	add(t, s, 3, clock.Day(), labels...)
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	return s, clock
}

// TestExaminationFinds harms a healthy store in one way at a time.
func TestExaminationFinds(t *testing.T) {
	day := newTestClock().Day()
	oneBlock := func(f *fold, keys ...block.Key) *block.Block {
		b, _ := f.workers[0].Merge(nil, keys)
		return b
	}
	set := func(f *fold, key, value []byte) error { return f.s.set(key, value) }
	for _, c := range []struct {
		name, check, says string
		harm              func(f *fold) error
	}{
		{"nothing", "", "", func(*fold) error { return nil }},
		{"an id that names nobody", "ids", "are not the same", func(f *fold) error { return f.s.deleteKeys([][]byte{forwardKey(0, "bx")}) }},
		{"a page without its users", "ids", "are not the same", func(f *fold) error { return f.s.deleteKeys([][]byte{pageKey(0, 0)}) }},
		{"a page with another's id", "ids", "are not the same", func(f *fold) error { return set(f, pageKey(0, 0), idPage{1: "cx", 2: "bx"}.encode()) }},
		{"a torn delta", "values", "delta", func(f *fold) error { return set(f, deltaKey(day+2, 1, 9), []byte("torn")) }},
		{"a torn block", "values", "block of day", func(f *fold) error { return set(f, partKey(395, day, 0, 0), []byte("torn")) }},
		{"a strange key", "values", "no known kind", func(f *fold) error { return set(f, []byte("?"), nil) }},
		{"a short key", "values", "wrong length", func(f *fold) error { return set(f, []byte("b?"), nil) }},
		{"a label nobody declared", "values", "label 77 is not in the dictionary", func(f *fold) error {
			return f.s.writeBlock(395, day, 0, oneBlock(f, block.MakeKey(77, 1)))
		}},
		{"a user never given out", "values", "above the highest", func(f *fold) error {
			return f.s.writeBlock(395, day, 1, oneBlock(f, block.MakeKey(0, 65_000)))
		}},
		{"a torn document", "values", "document", func(f *fold) error { return set(f, documentKey(documentID{"a", "b"}), []byte("torn")) }},
		{"any time of too few", "any time", "chunk 0", func(f *fold) error {
			c := *f.s.View().chunks[0]
			c.any = oneBlock(f, block.MakeKey(0, 1))
			f.replace(0, &c)
			return nil
		}},
		{"any time of none", "any time", "chunk 1", func(f *fold) error {
			c := *f.s.View().chunks[1]
			c.any = nil
			f.replace(1, &c)
			return nil
		}},
		{"a day that cannot be read", "any time", "corrupt", func(f *fold) error {
			c := *f.s.View().chunks[1]
			c.damage = ErrCorrupt
			f.replace(1, &c)
			return nil
		}},
		{"a label without seen", "seen", "1 users carry interest/tennis", func(f *fold) error {
			c := *f.s.View().chunks[0]
			c.open = []openDay{{day: day + 2, recent: oneBlock(f, block.MakeKey(1, 3))}}
			f.replace(0, &c)
			return nil
		}},
		{"a purge of nobody", "state", "purged and not erased", func(f *fold) error {
			c := *f.s.View().chunks[0]
			c.masks = oneBlock(f, block.MakeKey(purgedMask, 3))
			f.replace(0, &c)
			return nil
		}},
		{"a cursor beyond the log", "state", "the log ends at", func(f *fold) error { f.cursor.Seq = 1 << 40; return nil }},
	} {
		s, _ := examined(t)
		if err := s.askFor(ask{what: askWork, work: c.harm}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		report, err := s.Examine()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		found := ""
		for _, check := range report.Checks {
			for _, p := range check.Problems {
				if check.Name == c.check && strings.Contains(p.What, c.says) && p.Do != "" {
					found = p.What
				}
				if c.check == "" {
					t.Errorf("a healthy store: %s: %s", check.Name, p.What)
				}
			}
		}
		if found == "" && c.check != "" {
			t.Errorf("%s: no %q in check %s: %+v", c.name, c.says, c.check, report)
		}
	}
}

func TestExaminationFindsAGapInTheLog(t *testing.T) {
	s, _ := examined(t)
	err := s.askFor(ask{what: askWork, work: func(f *fold) error {
		f.savedSeq = 0 // as if the cursor had been lost: those batches were trimmed
		if c := f.examineLog(); len(c.Problems) == 0 {
			t.Error("no gap found")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsMissingIsNotMadeAnew takes whole parts of a store away: none is
// taken for a new one.
func TestWhatIsMissingIsNotMadeAnew(t *testing.T) {
	for _, name := range []string{identityFile, logDir, storeDir, "store/MANIFEST", "log/MANIFEST"} {
		dir, clock := t.TempDir(), newTestClock()
		writeFlippable(t, dir, clock)
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Options{Dir: dir, Clock: clock.Now, Reserve: 1}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("without %s: %v, want ErrCorrupt", name, err)
		}
		report, err := Diagnose(Options{Dir: dir, Clock: clock.Now, Reserve: 1})
		if report.OK() || err != nil {
			t.Errorf("without %s the doctor says %v", name, err)
		}
	}
}
