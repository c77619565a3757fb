package storage

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sosie/storage/block"
)

var bitFlips = flag.Int("bit-flips", 36, "random bits flipped in the files of a closed store; the full proof takes 1000")

// writeFlippable makes a closed store with something of everything, over two
// chunks and several days.
func writeFlippable(t *testing.T, dir string, clock *testClock) {
	t.Helper()
	s, err := Open(Options{Dir: dir, Clock: clock.Now, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	labels := declare(t, s, LabelSpec{Name: "interest/tennis"}, LabelSpec{Name: "page/cart", Retention: 30}, LabelSpec{Name: "place/italy"})
	space, err := s.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewUsers(70_000); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for day := range 4 {
		var rec Records
		for i := range 3000 {
			u := Ordinal(r.IntN(70_000))
			rec.Hit(u, clock.Day(), labels[r.IntN(3)])
			if i%10 == 0 {
				rec.ID(space, fmt.Appendf(nil, "customer-%012d", u), u, clock.Day())
			}
		}
		rec.Mask(OptedOut, Ordinal(day), true)
		rec.Mask(Erased, Ordinal(65_600+day), true)
		rec.Claim(uint64(day), Ordinal(day), clock.Now())
		if _, err := s.Append(&rec); err != nil {
			t.Fatal(err)
		}
		if day < 3 {
			clock.Advance(24 * time.Hour)
		}
	}
	err = s.Documents().Edit(func(e *Edit) error { return e.Put("segment", "buyers", []byte("interest/tennis")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// answers asks a store everything and writes the answers down. The error is that
// of the first question that fails.
func answers(s *Store) (string, error) {
	var out strings.Builder
	if err := s.Sync(); err != nil {
		return "", err
	}
	v := s.View()
	today := v.Stamp().Day
	fmt.Fprintln(&out, s.ID(), s.Epoch(), s.HighWater(), v.Stamp().Seq, today, v.Labels().Names(), s.Spaces())
	for c := range v.Chunks() {
		for l := range Label(v.Labels().Len()) {
			var any block.Words
			if err := v.OrAny(&any, c, l); err != nil {
				return "", err
			}
			fmt.Fprintln(&out, c, l, v.Labels().Spec(l), any)
			for day := today - 4; day <= today; day++ {
				var on block.Words
				if err := v.OrDays(&on, c, l, day, day); err != nil {
					return "", err
				}
				fmt.Fprintln(&out, day, on)
			}
		}
		for m := range maskCount {
			var w block.Words
			v.OrMask(&w, c, m)
			fmt.Fprintln(&out, m, w)
		}
	}
	for page := range uint32(70_000>>8 + 1) {
		err := s.IDs().Page(0, page, func(u Ordinal, external []byte) error {
			found, day, ok, err := s.IDs().Lookup(0, external)
			fmt.Fprintln(&out, u, string(external), found, day, ok)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	for nonce := range uint64(5) {
		u, ok := s.LookupClaim(nonce)
		fmt.Fprintln(&out, nonce, u, ok)
	}
	for name, value := range v.Documents("segment") {
		fmt.Fprintln(&out, name, string(value))
	}
	return out.String(), nil
}

// openAnswers opens a store, asks it everything and closes it.
func openAnswers(dir string, clock *testClock) (string, error) {
	s, err := Open(Options{Dir: dir, Clock: clock.Now, Reserve: 1})
	if err != nil {
		return "", err
	}
	out, err := answers(s)
	return out, errors.Join(err, s.Close())
}

// TestFlippedBitIsNeverAWrongAnswer flips one bit in one file of a closed store,
// many times: the store answers exactly as before, or says that it is corrupt.
// Where it answers although a bit was flipped, that bit is one that nothing
// reads.
func TestFlippedBitIsNeverAWrongAnswer(t *testing.T) {
	clock := newTestClock()
	whole := filepath.Join(t.TempDir(), "whole")
	writeFlippable(t, whole, clock)
	copied := func(name string) string {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	want, err := openAnswers(copied("unharmed"), clock)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	err = filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
		if about, _ := d.Info(); err == nil && d.Type().IsRegular() && about.Size() > 0 {
			name, _ := filepath.Rel(whole, path)
			paths = append(paths, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d, files %v", seed, paths)
	r := rand.New(rand.NewPCG(seed, 3))
	refused, unread := 0, 0
	for range *bitFlips {
		dir := copied("flipped")
		name := paths[r.IntN(len(paths))]
		if r.IntN(2) == 0 { // the files that hold the most
			for !strings.HasSuffix(name, ".sst") {
				name = paths[r.IntN(len(paths))]
			}
		}
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bit := r.IntN(len(text) * 8)
		text[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		where := fmt.Sprintf("bit %d of byte %d of %s", bit%8, bit/8, name)
		report, err := Diagnose(Options{Dir: dir, Clock: clock.Now, Reserve: 1})
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		got, err := openAnswers(dir, clock)
		switch {
		case errors.Is(err, ErrCorrupt):
			refused++
			if report.OK() {
				t.Errorf("%s: the store says %q, but the doctor is content", where, err)
			}
		case err != nil:
			t.Errorf("%s: %v, want ErrCorrupt", where, err)
		case got != want:
			t.Errorf("%s: THE ANSWERS DIFFER", where)
		default:
			unread++
			if random := strings.HasSuffix(name, ".vlog") || strings.HasSuffix(name, "KEYREGISTRY"); report.OK() && !random {
				t.Errorf("%s: the doctor found nothing", where)
			}
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d flips: %d refused as corrupt, %d in bytes that nothing reads and equal answers", *bitFlips, refused, unread)
}
