package identity

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func erasure(seq uint64) Erasure {
	return Erasure{Store: "0123456789abcdef", Epoch: 1, User: 70_000, Seq: seq, At: time.Date(2026, 11, 24, 13, 5, 6, 0, time.UTC)}
}

func TestErasures(t *testing.T) {
	dir := t.TempDir()
	if got, err := Erasures(dir); err != nil || got != nil {
		t.Errorf("without a journal: %v, %v", got, err)
	}
	if err := errors.Join(AppendErasure(dir, erasure(1)), AppendErasure(dir, erasure(2), erasure(3)), AppendErasure(dir)); err != nil {
		t.Fatal(err)
	}
	got, err := Erasures(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Erasure{erasure(1), erasure(2), erasure(3)}, got); d != "" {
		t.Error(d)
	}
	text, err := os.ReadFile(filepath.Join(dir, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	const first = `{"store":"0123456789abcdef","epoch":1,"user":70000,"seq":1,"at":"2026-11-24T13:05:06Z"}` + "\n"
	if string(text[:len(first)]) != first {
		t.Errorf("the first line is %q", text[:len(first)])
	}
	if stat, err := os.Stat(filepath.Join(dir, journalFile)); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", stat.Mode(), err)
	}
}

// TestErasureTorn cuts the journal at every byte: what was whole stays, and the
// next erasure does not run into what was torn.
func TestErasureTorn(t *testing.T) {
	whole := t.TempDir()
	if err := AppendErasure(whole, erasure(1), erasure(2)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(whole, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(text) + 1 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, journalFile), text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 2 * n / len(text)
		if got, err := Erasures(dir); err != nil || len(got) != want {
			t.Fatalf("cut after %d of %d bytes: %d erasures, %v", n, len(text), len(got), err)
		}
		if err := AppendErasure(dir, erasure(9)); err != nil {
			t.Fatal(err)
		}
		if got, err := Erasures(dir); err != nil || len(got) != want+1 || got[want] != erasure(9) {
			t.Fatalf("cut after %d of %d bytes, then one more: %v, %v", n, len(text), got, err)
		}
	}
}

func TestErasureDamaged(t *testing.T) {
	for _, line := range []string{"{}", "x", "", `{"store":"s","epoch":1,"user":4294967296,"seq":1,"at":"2026-11-24T13:05:06Z"}`,
		`{"store":"s","epoch":1,"seq":1,"at":"2026-11-24T13:05:06Z"}`} {
		dir := t.TempDir()
		if err := AppendErasure(dir, erasure(1)); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Close(), AppendErasure(dir, erasure(2))); err != nil {
			t.Fatal(err)
		}
		if got, err := Erasures(dir); !errors.Is(err, ErrJournal) {
			t.Errorf("line %q: %v, %v", line, got, err)
		}
	}
}

// FuzzErasure: what is read of a line is written as a line that reads the same.
func FuzzErasure(f *testing.F) {
	f.Add([]byte(`{"store":"s","epoch":1,"user":7,"seq":1,"at":"2026-11-24T13:05:06Z"}`))
	f.Add([]byte(`{"store":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		read, err := parseErasure(line)
		if err != nil {
			return
		}
		dir := t.TempDir()
		if err := AppendErasure(dir, read); err != nil {
			t.Fatal(err)
		}
		again, err := Erasures(dir)
		if err != nil || len(again) != 1 || !again[0].At.Equal(read.At) {
			t.Fatalf("%+v came back as %+v, %v", read, again, err)
		}
		if again[0].At = read.At; again[0] != read {
			t.Errorf("%+v came back as %+v", read, again[0])
		}
	})
}
