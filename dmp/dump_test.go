package dmp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/storage"
	"sosie/storage/dump"
)

func (s *serving) count(t *testing.T, expression string) uint64 {
	t.Helper()
	n, err := s.client.Count(t.Context(), expression)
	if err != nil {
		t.Fatal(err)
	}
	return n.Count
}

// TestCookiesAfterRestore: a browser in the dump goes on as the same user, one
// who came after it begins anew, and so does one of a life restored before; and
// nobody ever becomes somebody else.
func TestCookiesAfterRestore(t *testing.T) {
	config := testConfig(t)
	config.Sites = []pixel.Site{{Key: "shop", WithoutSignal: "collect", CountFirstHit: true}}
	first := serve(t, config)
	old := newBrowser(t, first.pixel)
	old.hit("interest/tennis")
	dir := filepath.Join(t.TempDir(), "dump")
	d, err := first.client.Dump(t.Context(), DumpRequest{Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Users != 1 || d.Days != 1 || d.Keys || d.Dir != dir {
		t.Errorf("dumped %+v", d)
	}
	late := newBrowser(t, first.pixel)
	late.hit("interest/tennis")
	if n := first.count(t, "seen"); n != 2 {
		t.Fatalf("%d users", n)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}

	begin := func(epoch uint16) *serving {
		config.Data = filepath.Join(t.TempDir(), "data")
		r, err := RestoreDump(t.Context(), config, RestoreRequest{Dir: dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Epoch.Number != epoch || r.Epoch.Mark != 1 {
			t.Errorf("restored as %+v", r.Epoch)
		}
		return serve(t, config)
	}
	second := begin(2)
	if n := second.count(t, "seen"); n != 1 {
		t.Errorf("%d users are restored", n)
	}
	old.pixel, late.pixel = second.pixel, second.pixel
	old.hit("bought/racket")
	late.hit("bought/racket")
	if a, b := second.count(t, "interest/tennis and bought/racket"), second.count(t, "seen"); a != 1 || b != 2 {
		t.Errorf("the old browser is %d user, of %d", a, b)
	}
	if c := second.DMP.pixel.Counters(); c.CookieForeign != 1 || c.Resealed != 1 {
		t.Errorf("counters %+v", c)
	}
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}

	// The same dump once more: the second life is lost as well.
	third := begin(3)
	fresh := newBrowser(t, third.pixel)
	fresh.hit("interest/tennis")
	old.pixel, late.pixel = third.pixel, third.pixel
	old.hit("bought/racket")
	late.hit("bought/racket")
	if a, b := third.count(t, "interest/tennis and bought/racket"), third.count(t, "seen"); a != 1 || b != 3 {
		t.Errorf("in the third life the old browser is %d user, of %d", a, b)
	}
}

// TestErasedAfterDump: the journal beside the keys erases again what the dump
// still has, before anything is asked.
func TestErasedAfterDump(t *testing.T) {
	config := testConfig(t)
	config.Sites = []pixel.Site{{Key: "shop", WithoutSignal: "collect", CountFirstHit: true}}
	s := serve(t, config)
	for range 3 {
		newBrowser(t, s.pixel).hit("interest/tennis")
	}
	dir := filepath.Join(t.TempDir(), "dump")
	if _, err := s.client.Dump(t.Context(), DumpRequest{Dir: dir}, nil); err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{s.DMP.store.ID(), "another"} {
		e := identity.Erasure{Store: store, Epoch: 1, User: 1, Seq: 1 << 40, At: time.Now()}
		if store == "another" {
			e.User = 2
		}
		if err := identity.AppendErasure(config.Keys, e); err != nil {
			t.Fatal(err)
		}
	}
	config.Data = filepath.Join(t.TempDir(), "data")
	r, err := RestoreDump(t.Context(), config, RestoreRequest{Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Journalled != 1 || r.Erased != 1 {
		t.Errorf("restored %+v", r)
	}
	back := mustOpen(t, config)
	var names collector
	if _, err := back.Export(t.Context(), ExportRequest{Expression: "interest/tennis"}, &names, nil); err != nil || len(names) != 2 {
		t.Errorf("exported %v, %v", names, err)
	}
	if n, err := back.Count(t.Context(), "seen"); err != nil || n.Count != 2 {
		t.Errorf("counted %d, %v", n.Count, err)
	}

	// A journal that cannot be read stops the restore.
	if err := os.WriteFile(filepath.Join(config.Keys, "erasures.ndjson"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config.Data = filepath.Join(t.TempDir(), "data")
	if _, err := RestoreDump(t.Context(), config, RestoreRequest{Dir: dir}, nil); !errors.Is(err, identity.ErrJournal) {
		t.Errorf("with a damaged journal: %v", err)
	}
	if _, err := os.Stat(config.Data); err == nil {
		t.Error("it was restored all the same")
	}
}

// TestDumpEndsWithItsReader: who asked for a dump and left gets none.
func TestDumpEndsWithItsReader(t *testing.T) {
	s := serve(t, testConfig(t))
	newBrowser(t, s.pixel).hit("interest/tennis")
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.client.Dump(ctx, DumpRequest{Dir: filepath.Join(parent, "dump"), Passphrase: "correct horse battery"}, func(int, int, uint64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("left in the middle: %v", err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.DMP.dumps.Wait()
	left, err := os.ReadDir(parent)
	if err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return e.Name() != "dump" }) {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestDumpErrors(t *testing.T) {
	s := serve(t, testConfig(t))
	for _, e := range []Engine{s.client, s.DMP} {
		if _, err := e.Dump(t.Context(), DumpRequest{Dir: filepath.Join(s.config.Data, "x")}, nil); !errors.Is(err, dump.ErrExists) || Hint(err) == "" {
			t.Errorf("%T, inside the data: %v, hint %q", e, err, Hint(err))
		}
		if _, err := e.Dump(t.Context(), DumpRequest{Dir: t.TempDir() + "/x", Passphrase: "short"}, nil); !errors.Is(err, ErrPassphrase) || Hint(err) == "" {
			t.Errorf("%T, a short passphrase: %v, hint %q", e, err, Hint(err))
		}
	}
	config := testConfig(t)
	dir := filepath.Join(t.TempDir(), "dump")
	if _, err := s.client.Dump(t.Context(), DumpRequest{Dir: dir}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := RestoreDump(t.Context(), config, RestoreRequest{Dir: dir}, nil); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
	config.Keys = s.config.Keys
	if _, err := RestoreDump(t.Context(), config, RestoreRequest{Dir: dir, Gap: 1 << 40}, nil); !errors.Is(err, storage.ErrNoOrdinals) || Hint(err) == "" {
		t.Errorf("a gap too large: %v", err)
	}
	if _, err := CheckDump(t.Context(), t.TempDir(), nil); !errors.Is(err, dump.ErrNoDump) || Hint(err) == "" {
		t.Errorf("no dump: %v", err)
	}
}

// TestDumpEndsWithItsServer: a server that stops does not wait for a dump, which
// leaves nothing.
func TestDumpEndsWithItsServer(t *testing.T) {
	s := serve(t, testConfig(t))
	newBrowser(t, s.pixel).hit("interest/tennis")
	parent := t.TempDir()
	begun, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		<-begun
		stopped <- s.stop()
	}()
	var once sync.Once
	_, err := s.client.Dump(t.Context(), DumpRequest{Dir: filepath.Join(parent, "dump"), Passphrase: "correct horse battery"}, func(int, int, uint64) {
		once.Do(func() { close(begun) })
	})
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	left, readErr := os.ReadDir(parent)
	if readErr != nil || err != nil && len(left) > 0 || err == nil && len(left) != 1 {
		t.Errorf("dump: %v; left %v, %v", err, left, readErr)
	}
}
