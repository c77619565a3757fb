package dump_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"sosie/storage"
	"sosie/storage/dump"
)

// The child process restores, and kills itself when it has come to a file.
const (
	crashDump = "SOSIE_TEST_DUMP"
	crashData = "SOSIE_TEST_DATA"
	crashAt   = "SOSIE_TEST_AT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDump); dir != "" {
		restoreAndDie(dir, os.Getenv(crashData), os.Getenv(crashAt))
	}
	os.Exit(m.Run())
}

func restoreAndDie(dir, data, at string) {
	n, err := strconv.Atoi(at)
	if err != nil {
		panic(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		panic(err)
	}
	m, err := dump.Read(dir)
	if err != nil {
		panic(err)
	}
	epoch, err := m.Store.NextEpoch(0, 0, 0)
	if err != nil {
		panic(err)
	}
	_, err = dump.Restore(context.Background(), dir, m, data, dump.RestoreOptions{Epoch: epoch, Progress: func(done, _ int, _ uint64) {
		if done == n {
			_ = self.Kill()
			select {}
		}
	}})
	panic(err)
}

// TestCrashInRestore kills a restore now and then: what it leaves is no
// store and is not opened as one, and the next restore says what is in its way.
func TestCrashInRestore(t *testing.T) {
	h, dir := dumped(t, 16)
	m, err := dump.Read(dir)
	must(t, err)
	for at := 0; at < len(m.Files); at += 8 {
		data := filepath.Join(t.TempDir(), "data")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashDump+"="+dir, crashData+"="+data, crashAt+"="+strconv.Itoa(at))
		if out, err := child.CombinedOutput(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("the child was not killed: %v: %s", err, out)
		}
		for _, left := range []string{data, data + ".partial"} {
			if exists, err := storage.Exists(left); exists || err != nil {
				t.Errorf("killed at file %d: %s is a store: %t, %v", at, left, exists, err)
			}
		}
		if s, err := storage.Open(storage.Options{Dir: data + ".partial", Reserve: 1, Clock: h.clock}); err == nil {
			t.Errorf("killed at file %d: what is left opens as store %s", at, s.ID())
			must(t, s.Close())
		}
		if _, err := dump.Restore(t.Context(), dir, m, data, dump.RestoreOptions{}); err == nil {
			t.Error("a restore ignores what another left")
		}
		must(t, os.RemoveAll(data+".partial"))
	}
	back, _ := restored(t, dir, h.clock(), 0)
	if back.View().Chunks() != h.View().Chunks() {
		t.Error("restored otherwise")
	}
}
