package export

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

func TestFormatOf(t *testing.T) {
	for _, row := range []struct{ path, want string }{
		{"a.csv", "csv"}, {"/x/y.z/A.CSV", "csv"}, {"a.ndjson", "ndjson"}, {"a.jsonl", "ndjson"},
		{"a.csv.gz", "csv+gzip"}, {"a.b.csv.zst", "csv+zstd"}, {"a.jsonl.GZ", "ndjson+gzip"}, {"-", "csv"},
		{"a", ""}, {"a.txt", ""}, {"a.gz", ""}, {"csv", ""}, {"a.csv.bz2", ""}, {"a.csv.gz.zst", ""}, {"", ""}, {"a.csv/b", ""},
	} {
		f, err := FormatOf(row.path)
		if row.want == "" {
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), ".csv, .ndjson") {
				t.Errorf("%q: format %s, error %v, want ErrFormat with a hint", row.path, f, err)
			}
		} else if err != nil || f.String() != row.want {
			t.Errorf("%q: format %s, error %v, want %s", row.path, f, err, row.want)
		}
	}
}

// open reads a file back through other libraries where there are any.
func open(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(raw)
	switch filepath.Ext(path) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFilesReadBack(t *testing.T) {
	for _, name := range []string{"a.csv", "a.csv.gz", "a.csv.zst", "a.ndjson", "a.jsonl.gz", "a.ndjson.zst"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		f, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		if f.Format().Lines == "csv" {
			want.WriteString("user\n")
		}
		for i := range 50_000 {
			user := fmt.Sprintf("user-%d", i)
			if err := f.Write([]byte(user)); err != nil {
				t.Fatal(err)
			}
			if f.Format().Lines == "csv" {
				want.WriteString(user + "\n")
			} else {
				want.WriteString(`{"user":"` + user + "\"}\n")
			}
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there before Commit: %v", name, err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		f.Abort()
		if got := open(t, path); string(got) != want.String() {
			t.Errorf("%s: read back %d bytes, want %d", name, len(got), want.Len())
		}
		if left := entries(t, dir); !slices.Equal(left, []string{name}) {
			t.Errorf("%s: directory holds %v", name, left)
		}
		if at, err := os.Stat(path); err != nil || at.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v, want 0600", name, at.Mode(), err)
		}
		if err := f.Write([]byte("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: write after commit: %v", name, err)
		}
		if err := f.Commit(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: second commit: %v", name, err)
		}
	}
}

func entries(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		found = append(found, e.Name())
	}
	return found
}

func TestAbortLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv.gz")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	f.Abort()
	if text, err := os.ReadFile(path); err != nil || string(text) != "before" {
		t.Errorf("after abort the file holds %q, %v", text, err)
	}
	if left := entries(t, dir); !slices.Equal(left, []string{"a.csv.gz"}) {
		t.Errorf("after abort the directory holds %v", left)
	}
}

func TestCommitThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // rename onto a directory fails
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil {
		t.Error("commit onto a directory succeeded")
	}
	if left := entries(t, dir); !slices.Equal(left, []string{"a.csv"}) {
		t.Errorf("after a failed commit the directory holds %v", left)
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dir.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ path, want string }{
		{"dir.csv", "not a regular file"},
		{"missing/a.csv", "make the directory first"},
		{"a.xlsx", "unknown format"},
	} {
		if _, err := Create(filepath.Join(dir, row.path)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("create %s: error %v, want one with %q", row.path, err, row.want)
		}
	}
	if left := entries(t, dir); len(left) != 1 {
		t.Errorf("refused files left %v", left)
	}
}

func TestNamesReadBack(t *testing.T) {
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"", " ", `"`, `""`, ",", "a,b", "\n", "a\nb", `\.`, `\`, "#a", "\t", "é", "\u2028", "</script>", "user"}),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOf(name).Draw(t, "names")
		table, objects, text := []byte(csvHeader), []byte(nil), []string(nil)
		for _, name := range names {
			table = appendCSV(table, []byte(name))
			longer, err := appendNDJSON(objects, []byte(name))
			if (err == nil) != utf8.ValidString(name) || err != nil && !errors.Is(err, ErrName) {
				t.Fatalf("%q as NDJSON: %v", name, err)
			}
			if err == nil {
				objects, text = longer, append(text, name)
			}
		}
		readCSV(t, table, names)
		readNDJSON(t, objects, text)
	})
}

func FuzzLine(f *testing.F) {
	for _, name := range []string{"", "a", `a"b`, "a,b\n", "\r\n", "\xff"} {
		f.Add([]byte(name))
	}
	f.Fuzz(func(t *testing.T, name []byte) {
		readCSV(t, appendCSV([]byte(csvHeader), name), []string{string(name)})
		if line, err := appendNDJSON(nil, name); err == nil {
			readNDJSON(t, line, []string{string(name)})
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

func readCSV(t failer, table []byte, want []string) {
	r := csv.NewReader(bytes.NewReader(table))
	r.FieldsPerRecord = 1
	rows, err := r.ReadAll()
	if err != nil || len(rows) != len(want)+1 || rows[0][0] != "user" {
		t.Fatalf("CSV of %q: %d rows, %v", want, len(rows), err)
	}
	for i, name := range want {
		// encoding/csv reads a quoted \r\n as \n.
		if name = strings.ReplaceAll(name, "\r\n", "\n"); rows[i+1][0] != name {
			t.Fatalf("CSV of %q reads as %q", name, rows[i+1][0])
		}
	}
}

func readNDJSON(t failer, lines []byte, want []string) {
	if n := bytes.Count(lines, []byte("\n")); n != len(want) {
		t.Fatalf("NDJSON of %q has %d lines", want, n)
	}
	d := json.NewDecoder(bytes.NewReader(lines))
	for _, name := range want {
		var got map[string]string
		if err := d.Decode(&got); err != nil || len(got) != 1 || got["user"] != name {
			t.Fatalf("NDJSON of %q reads as %q, %v", name, got, err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, name := range []string{"a.csv", "a.ndjson", "a.csv.gz", "a.csv.zst"} {
		b.Run(name, func(b *testing.B) {
			f, err := Create(filepath.Join(b.TempDir(), name))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Abort()
			b.ReportAllocs()
			user := []byte("AbCdEfGhIjKlMnOpQrStUvWxYz012345")
			for i := 0; b.Loop(); i++ {
				user[i%32] = 'a' + byte(i%26)
				if err := f.Write(user); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
