package dmp

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sosie/storage"
)

// TestEngines: the server, and the directory once it is closed, give the same
// answers.
func TestEngines(t *testing.T) {
	config := testConfig(t)
	s := serve(t, config)
	for i := range 3 {
		b := newBrowser(t, s.pixel)
		b.hit("interest/tennis")
		b.hit("")
		if i == 0 {
			b.hit("bought/racket")
		}
	}
	newBrowser(t, s.pixel).hit("interest/tennis") // stays pending
	ask := func(e Engine) (counts [2]uint64, names string) {
		for i, expression := range []string{"interest/tennis", "interest/tennis and not bought/racket"} {
			n, err := e.Count(t.Context(), expression)
			if err != nil {
				t.Fatal(err)
			}
			counts[i] = n.Count
		}
		var list collector
		if _, err := e.Export(t.Context(), ExportRequest{Expression: "interest/tennis"}, &list, nil); err != nil {
			t.Fatal(err)
		}
		return counts, strings.Join(list, " ")
	}
	counts, names := ask(s.client)
	if counts != [2]uint64{3, 2} || len(strings.Fields(names)) != 3 {
		t.Errorf("the server says %v and %q", counts, names)
	}
	if direct, same := ask(s.DMP); direct != counts || same != names {
		t.Errorf("the house says %v and %q, its server %v and %q", direct, same, counts, names)
	}
}

type collector []string

func (n *collector) Write(name []byte) error { *n = append(*n, string(name)); return nil }

// TestCountHoldsEveryAcknowledgedHit: asked right after a hit was answered.
func TestCountHoldsEveryAcknowledgedHit(t *testing.T) {
	s := serve(t, testConfig(t))
	for i := range uint64(20) {
		b := newBrowser(t, s.pixel)
		b.hit("interest/tennis")
		b.hit("")
		n, err := s.client.Count(t.Context(), "interest/tennis")
		if err != nil || n.Count != i+1 {
			t.Fatalf("after %d users: %d, %v", i+1, n.Count, err)
		}
	}
}

func TestExportByIDSpace(t *testing.T) {
	s := serve(t, testConfig(t))
	space, err := s.store.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.store.NewUsers(600)
	if err != nil {
		t.Fatal(err)
	}
	label, _ := s.store.Labels().Lookup("interest/tennis")
	today := storage.DayOf(s.opened)
	var r storage.Records
	for i := range storage.Ordinal(600) {
		r.Hit(first+i, today, label)
		if i%3 == 0 {
			r.ID(space, []byte{'c', byte(i), byte(i >> 8), 0xff}, first+i, today)
		}
	}
	if _, err := s.store.Append(&r); err != nil {
		t.Fatal(err)
	}
	var list collector
	got, err := s.client.Export(t.Context(), ExportRequest{Expression: "interest/tennis", IDSpace: "crm"}, &list, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Users != 600 || got.Names != 200 || got.Nameless != 400 || len(list) != 200 || list[1] != "c\x03\x00\xff" {
		t.Errorf("got %+v, %d names", got, len(list))
	}
	_, err = s.client.Export(t.Context(), ExportRequest{Expression: "seen", IDSpace: "none"}, &list, nil)
	if !errors.Is(err, ErrIDSpace) || Hint(err) != "Declared are: crm." {
		t.Errorf("got %v, hint %q", err, Hint(err))
	}
}

func TestErrorsCrossTheSocket(t *testing.T) {
	s := serve(t, testConfig(t))
	for _, expression := range []string{"", "interest/tenis", "seen and", "(", strings.Repeat("(", 5000)} {
		_, far := s.client.Count(t.Context(), expression)
		_, near := s.Count(t.Context(), expression)
		if !errors.Is(far, ErrExpression) || !errors.Is(near, ErrExpression) || far.Error() != near.Error() {
			t.Errorf("%.20q: the server says %v, the house %v", expression, far, near)
		}
	}
}

func TestSocket(t *testing.T) {
	config := testConfig(t)
	if _, err := Dial(t.Context(), config.Data); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a server: %v", err)
	}
	s := serve(t, config)
	path := filepath.Join(config.Data, socketName)
	at, err := os.Stat(path)
	if err != nil || at.Mode().Perm() != 0o600 || at.Mode().Type() != fs.ModeSocket {
		t.Errorf("socket is %v, %v: want mode 0600", at.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(config.Data, ".socket-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	status, err := s.client.Status(t.Context())
	if err != nil || "http://"+status.Pixel != s.pixel {
		t.Errorf("status says pixel %q, %v", status.Pixel, err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("socket after the end: %v", err)
	}
}

func TestReachSaysWhoHolds(t *testing.T) {
	config := testConfig(t)
	d := mustOpen(t, config)
	if _, err := Open(config); !errors.Is(err, storage.ErrLocked) || Hint(err) == "" {
		t.Errorf("opened twice: %v", err)
	}
	patience = 0
	defer func() { patience = defaultPatience }()
	if _, err := Reach(t.Context(), config); !errors.Is(err, ErrBusy) {
		t.Errorf("held and not served: %v", err)
	}
	_ = d
}

func TestServeNamesTheAddressThatIsTaken(t *testing.T) {
	first := serve(t, testConfig(t))
	config := testConfig(t)
	config.Listen = strings.TrimPrefix(first.pixel, "http://")
	if err := mustOpen(t, config).Serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), config.Listen) || Hint(err) == "" {
		t.Errorf("got %v", err)
	}
}

// TestServeAnswersWhatItAccepted: browsers hit while the server is told to end;
// every hit that the pixel took was answered.
func TestServeAnswersWhatItAccepted(t *testing.T) {
	s := serve(t, testConfig(t))
	var answered atomic.Uint64
	var browsing sync.WaitGroup
	started := make(chan struct{}, 8)
	for range cap(started) {
		b := newBrowser(t, s.pixel)
		browsing.Go(func() {
			for i := 0; ; i++ {
				if i == 5 {
					started <- struct{}{}
				}
				answer, err := b.client.Get(s.pixel + "/p.gif?s=shop")
				if err != nil {
					return // the listener is closed
				}
				answer.Body.Close()
				answered.Add(1)
			}
		})
	}
	for range cap(started) {
		<-started
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	browsing.Wait()
	if hits := s.DMP.pixel.Counters().Hits; hits != answered.Load() {
		t.Errorf("the pixel took %d hits, %d were answered", hits, answered.Load())
	}
}
