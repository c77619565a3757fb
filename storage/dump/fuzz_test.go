package dump

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"sosie/storage"
	"sosie/storage/block"
)

// golden reads a file of the golden dump.
func golden(f *testing.F, name string) []byte {
	f.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "v1", name))
	if err != nil {
		f.Fatal(err)
	}
	return text
}

// FuzzManifest: whatever has a right sum is read or refused, and what is read
// names no file outside the dump.
func FuzzManifest(f *testing.F) {
	f.Add(golden(f, manifestFile))
	f.Add([]byte(`{"format":1,"files":[{"name":"../x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		sum := sha256.Sum256(text)
		var m Manifest
		_ = json.Unmarshal(text, &m) // as far as it goes
		read, err := parseManifest(text, m.sums(hex.EncodeToString(sum[:])))
		if err != nil {
			return
		}
		for _, file := range read.Files {
			if !filepath.IsLocal(file.Name) {
				t.Errorf("file %q lies elsewhere", file.Name)
			}
		}
	})
}

// FuzzID: a line that is read is written as one that reads the same.
func FuzzID(f *testing.F) {
	for _, line := range []string{`{"id":"customer-1","user":7,"day":"2026-11-24"}`, `{"id_base64":"/wA=","user":7,"day":"2026-11-24"}`,
		`{"id":"\u00e9\"","user":4294967295,"day":"1970-01-01"}`, `{}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		external, u, day, err := parseID(line)
		if err != nil {
			return
		}
		if plain, u2, day2, ok := parsePlainID(line); ok {
			var slow struct {
				ID   string
				User storage.Ordinal
				Day  storage.Day
			}
			if err := decodeLine(line, &slow); err != nil || slow.ID != string(plain) || slow.User != u2 || slow.Day != day2 {
				t.Errorf("%q: read as %q, %d, %s; JSON says %+v, %v", line, plain, u2, day2, slow, err)
			}
		}
		again, u2, day2, err := parseID(appendID(nil, external, u, day))
		if err != nil || !bytes.Equal(external, again) || u != u2 || day != day2 {
			t.Errorf("%q, %d, %s came back as %q, %d, %s, %v", external, u, day, again, u2, day2, err)
		}
	})
}

// FuzzBitmaps: no archive, however wrong, does more than fail.
func FuzzBitmaps(f *testing.F) {
	f.Add(golden(f, "bitmaps/2026-11-21.tar"))
	f.Add(golden(f, masksFile))
	f.Fuzz(func(t *testing.T, archive []byte) {
		chunks := byChunk{}
		if readBitmaps(bytes.NewReader(archive), func(name string, containers []block.Container) error {
			chunks.add(uint32(len(name)), containers)
			return nil
		}) != nil {
			return
		}
		var builder block.Builder
		for chunk := range chunks {
			_, _ = chunks.take(&builder, chunk)
		}
	})
}

func TestMemberName(t *testing.T) {
	for label, want := range map[string]string{
		"interest/tennis": "interest/tennis.roaring", "a/../b": "a%2F..%2Fb.roaring", "a/": "a%2F.roaring", "a//b": "a%2F%2Fb.roaring",
		"a.roaring/b": "a.roaring%2Fb.roaring", "a.roaring": "a.roaring.roaring", "a/./b": "a%2F.%2Fb.roaring",
	} {
		got := memberName(label)
		if back, err := labelOf(got); got != want || back != label || err != nil {
			t.Errorf("%s: %s, want %s; back %s, %v", label, got, want, back, err)
		}
	}
	for _, member := range []string{"", "a", "../a.roaring", "a/../b.roaring", "interest%2Ftennis.roaring"} {
		if label, err := labelOf(member); err == nil {
			t.Errorf("%q is read as %s", member, label)
		}
	}
	var raw bytes.Buffer
	archive := tar.NewWriter(&raw)
	if err := archive.WriteHeader(&tar.Header{Name: "x.roaring", Size: maxBitmap + 1}); err != nil {
		t.Fatal(err)
	}
	if err := readBitmaps(&raw, nil); err == nil {
		t.Error("a bitmap larger than any is taken")
	}
}
