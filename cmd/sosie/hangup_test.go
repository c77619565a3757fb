package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// said is what a verb has printed so far.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) wait(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		now := s.b.String()
		s.mu.Unlock()
		if strings.Contains(now, text) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it never said %q, but %s", text, now)
		}
	}
}

// TestHangup: SIGHUP reloads, says what came of it, and does not end the server;
// SIGTERM does.
func TestHangup(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sosie.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sites: [{key: shop}]")
	var out said
	ended := make(chan int, 1)
	go func() {
		ended <- run([]string{"serve", "--config", file, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--office", "127.0.0.1:0"}, &out, &out)
	}()
	out.wait(t, "Ctrl-C ends")
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	write("sites: [{key: shop}, {key: news}]\nlabels: [{name: interest/golf}]")
	signal(syscall.SIGHUP)
	out.wait(t, "sosie: reloaded 2 sites and 1 labels, new: interest/golf")
	write("sites: [{key: shop}]\nreserve: 2GiB")
	signal(syscall.SIGHUP)
	out.wait(t, "reserve cannot change while the server runs")
	signal(syscall.SIGTERM)
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("it ended with %d", code)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}
