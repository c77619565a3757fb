package dump_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/klauspost/compress/zstd"

	"sosie/storage"
	"sosie/storage/block"
	"sosie/storage/dump"
)

// dumped makes a random store and a dump of it.
func dumped(t testing.TB, seed uint64) (h *house, dir string) {
	t.Helper()
	h = open(t, t.TempDir(), noon, 0)
	live(t, h, rand.New(rand.NewPCG(seed, 1)))
	dir = filepath.Join(t.TempDir(), "dump")
	_, err := dump.Write(t.Context(), h.Store, dir, dump.Options{Product: "test"})
	must(t, err)
	return h, dir
}

// TestOwnerReads reads a dump as its owner would: tar, a roaring library, and
// nothing of ours but the names.
func TestOwnerReads(t *testing.T) {
	h, dir := dumped(t, 11)
	v := h.View()
	archives, err := filepath.Glob(filepath.Join(dir, "bitmaps", "*.tar"))
	must(t, err)
	found := 0
	for _, path := range archives {
		day, err := storage.ParseDay(strings.TrimSuffix(filepath.Base(path), ".tar"))
		must(t, err)
		file, err := os.Open(path)
		must(t, err)
		defer file.Close()
		for archive := tar.NewReader(file); ; {
			head, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			name := strings.ReplaceAll(strings.TrimSuffix(head.Name, ".roaring"), "%2F", "/")
			l, ok := v.Labels().Lookup(name)
			if !ok || !filepath.IsLocal(head.Name) || strings.Contains(head.Name, "..") && !strings.Contains(head.Name, "%2F") {
				t.Fatalf("member %s", head.Name)
			}
			raw, err := io.ReadAll(archive)
			must(t, err)
			bitmap := roaring.New()
			must(t, bitmap.UnmarshalBinary(raw))
			must(t, bitmap.Validate())
			for it := bitmap.Iterator(); it.HasNext(); {
				if u := storage.Ordinal(it.Next()); v.Masked(storage.Erased, u) {
					t.Fatalf("%s of %s has the erased user %d", name, day, u)
				}
			}
			want := roaring.New()
			for chunk := range v.Chunks() {
				var w, erased block.Words
				must(t, v.OrDays(&w, chunk, l, day, day))
				v.OrMask(&erased, chunk, storage.Erased)
				w.AndNot(&erased)
				w.Each(func(low uint16) { want.Add(uint32(storage.At(chunk, low))) })
			}
			// A day no longer in force is still held, and dumped, until it is dropped.
			if want.AndNot(bitmap); !want.IsEmpty() {
				t.Errorf("%s of %s lacks %d users", name, day, want.GetCardinality())
			}
			found++
		}
	}
	if found == 0 {
		t.Error("no bitmap was found")
	}
	spaces, err := filepath.Glob(filepath.Join(dir, "ids", "*.ndjson.zst"))
	must(t, err)
	for _, path := range spaces {
		text, err := os.ReadFile(path)
		must(t, err)
		decoder, err := zstd.NewReader(nil)
		must(t, err)
		defer decoder.Close()
		text, err = decoder.DecodeAll(text, nil)
		must(t, err)
		for line := range bytes.Lines(text) {
			var id struct {
				ID   string
				User storage.Ordinal
				Day  string
			}
			must(t, json.Unmarshal(line, &id))
			if v.Masked(storage.Erased, id.User) || id.Day == "" {
				t.Errorf("%s: %s", path, line)
			}
			found++
		}
	}
	if found < 100 || len(spaces) != 2 {
		t.Errorf("%d bitmaps and ids in %d spaces", found, len(spaces))
	}
	if tool, err := exec.LookPath("sha256sum"); err == nil {
		check := exec.Command(tool, "-c", "--quiet", "--strict", "SHA256SUMS")
		check.Dir = dir
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v: %s", err, out)
		}
	}
}

// TestEveryChangeIsRefused flips a byte of each file, cuts each, and takes each
// away.
func TestEveryChangeIsRefused(t *testing.T) {
	_, dir := dumped(t, 12)
	r := rand.New(rand.NewPCG(12, 2))
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		refused := func(what string) {
			_, err := dump.Check(t.Context(), dir, nil)
			if !errors.Is(err, dump.ErrDamaged) && !errors.Is(err, dump.ErrNoDump) {
				t.Errorf("%s of %s: %v", what, d.Name(), err)
			}
		}
		for range min(len(whole), 20) {
			bad := slices.Clone(whole)
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			must(t, os.WriteFile(path, bad, 0o600))
			refused("a flipped bit")
		}
		must(t, os.WriteFile(path, whole[:len(whole)/2], 0o600))
		refused("half")
		must(t, os.WriteFile(path, append(slices.Clone(whole), '\n'), 0o600))
		refused("one byte more")
		must(t, os.Remove(path))
		refused("nothing")
		return os.WriteFile(path, whole, 0o600)
	}))
	if _, err := dump.Check(t.Context(), dir, nil); err != nil {
		t.Error("put back as it was:", err)
	}
}

// TestRestoreRefusesNonsense: sums that are right do not make a dump that is:
// what is wrong inside is told, and no store is left.
func TestRestoreRefusesNonsense(t *testing.T) {
	_, dir := dumped(t, 13)
	m, err := dump.Check(t.Context(), dir, nil)
	must(t, err)
	day := ""
	for _, f := range m.Files {
		if f.Holds == dump.HoldsBitmaps {
			day = f.Name
		}
	}
	for name, text := range map[string]string{
		"labels.ndjson":    `{"number":7,"name":"seen"}`,
		"documents.ndjson": `{"kind":"","name":"x","value":1}`,
		"masks.tar":        "no archive",
		day:                strings.Repeat("x", 1024),
	} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		must(t, err, os.WriteFile(path, []byte(text), 0o600))
		epoch, err := m.Store.NextEpoch(0, 0, 0)
		must(t, err)
		data := filepath.Join(t.TempDir(), "data")
		if _, err := dump.Restore(t.Context(), dir, m, data, dump.RestoreOptions{Epoch: epoch}); err == nil {
			t.Errorf("%s is taken", name)
		}
		if left, err := filepath.Glob(data + "*"); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
		must(t, os.WriteFile(path, whole, 0o600))
	}
	wrong := *m
	wrong.Format = 2
	text, err := json.Marshal(&wrong)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "manifest.json"), text, 0o600))
	if _, err := dump.Read(dir); err == nil {
		t.Error("another manifest is taken")
	}
}

// TestCancelLeavesNothing: a dump or a restore that is told to end leaves nothing
// behind, at whichever file it is.
func TestCancelLeavesNothing(t *testing.T) {
	h, whole := dumped(t, 14)
	m, err := dump.Check(t.Context(), whole, nil)
	must(t, err)
	epoch, err := m.Store.NextEpoch(0, 0, 0)
	must(t, err)
	last := len(m.Files) - 1
	for _, at := range []int{0, 1, last / 2, last} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "new")
		for what, try := range map[string]func(context.Context, dump.Progress) error{
			"dump": func(ctx context.Context, p dump.Progress) error {
				_, err := dump.Write(ctx, h.Store, dir, dump.Options{Progress: p})
				return err
			},
			"restore": func(ctx context.Context, p dump.Progress) error {
				_, err := dump.Restore(ctx, whole, m, dir, dump.RestoreOptions{Epoch: epoch, Progress: p})
				return err
			},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if err := try(ctx, func(done, _ int, _ uint64) {
				if done == at {
					cancel()
				}
			}); !errors.Is(err, context.Canceled) {
				t.Errorf("%s cancelled at file %d: %v", what, at, err)
			}
			cancel()
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Fatalf("%s cancelled at file %d: %v is left, %v", what, at, left, err)
			}
		}
	}
}

// TestDirIsNotOverwritten: what is there is never lost to a dump or a restore.
func TestDirIsNotOverwritten(t *testing.T) {
	h, whole := dumped(t, 15)
	m, err := dump.Check(t.Context(), whole, nil)
	must(t, err)
	parent := t.TempDir()
	full, begun, empty := filepath.Join(parent, "full"), filepath.Join(parent, "begun"), filepath.Join(parent, "empty")
	must(t, os.Mkdir(full, 0o700), os.WriteFile(filepath.Join(full, "x"), nil, 0o600), os.Mkdir(begun+".partial", 0o700), os.Mkdir(empty, 0o700))
	for _, dir := range []string{full, begun} {
		if _, err := dump.Write(t.Context(), h.Store, dir, dump.Options{}); !errors.Is(err, dump.ErrExists) {
			t.Errorf("dump into %s: %v", dir, err)
		}
		if _, err := dump.Restore(t.Context(), whole, m, dir, dump.RestoreOptions{}); !errors.Is(err, dump.ErrExists) {
			t.Errorf("restore into %s: %v", dir, err)
		}
	}
	if _, err := dump.Write(t.Context(), h.Store, empty+"/", dump.Options{}); err != nil {
		t.Error("dump into an empty directory:", err)
	}
	if _, err := dump.Check(t.Context(), empty, nil); err != nil {
		t.Error(err)
	}
}
