package meter

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestCPUMoves(t *testing.T) {
	before := CPU()
	deadline := time.Now().Add(5 * time.Second)
	for CPU() < before+time.Millisecond {
		if time.Now().After(deadline) {
			t.Fatalf("stuck at %v", before)
		}
	}
}

func TestWrittenSeesTheDevice(t *testing.T) {
	before, err := Written()
	if err != nil {
		t.Skip("no counter of written bytes here: ", err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	after, err := Written()
	if err != nil {
		t.Fatal(err)
	}
	if after == before {
		t.Skip("the temporary directory has no device behind it")
	}
	if after-before < 1<<20 {
		t.Errorf("%d bytes for a megabyte", after-before)
	}
}

func TestLive(t *testing.T) {
	before, _, _ := Live()
	kept := make([]byte, 8<<20)
	with, _, took := Live()
	runtime.KeepAlive(kept)
	after, _, _ := Live()
	if with-before < 8<<20-64<<10 || with-after < 8<<20-64<<10 || took <= 0 {
		t.Errorf("before %d, with %d, after %d, took %v", before, with, after, took)
	}
}

func TestReadMemory(t *testing.T) {
	m, err := ReadMemory()
	if err != nil {
		t.Skip(err)
	}
	if m.Resident < m.Anon || m.Anon <= 0 || m.Heap <= 0 {
		t.Errorf("got %+v", m)
	}
}

func TestDiskCountsBlocksNotSizes(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(64 << 20); err != nil {
		t.Fatal(err)
	}
	empty, err := Disk(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	full, err := Disk(dir)
	if err != nil {
		t.Fatal(err)
	}
	if empty > 1<<20 || full-empty < 1<<20 {
		t.Errorf("sparse %d, with a megabyte %d", empty, full)
	}
	if _, err := Disk(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing directory has a size")
	}
}
