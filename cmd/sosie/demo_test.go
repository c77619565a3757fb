package main

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// board is what a demo prints; others read it meanwhile.
type board struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *board) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *board) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestDemoServes: what a demo that goes on prints to try at its doors and pages
// works, and it ends when it is told to.
func TestDemoServes(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said board
	ended, data := make(chan error, 1), filepath.Join(t.TempDir(), "data")
	go func() {
		d := demo{Users: 150, Seed: 1, Listen: "127.0.0.1:0", Serve: true}
		ended <- d.Run(&console{Context: ctx, place: &place{Data: data}, out: &said, err: io.Discard})
	}()
	for end := time.Now().Add(time.Minute); !strings.Contains(said.String(), "What to try next"); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("it says only\n%s", said.String())
		}
	}
	text := said.String()
	for name, c := range map[string]struct{ line, want string }{
		"news":    {`(http://\S+/)   news`, "The Morning Page"},
		"shop":    {`(http://\S+/)   a shop`, "Corner Shop"},
		"office":  {`Bearer (\S+)' .*-d '(\{.*\})' (http://\S+)`, `"count":`},
		"partner": {`Bearer (\S+)' '(http://\S+)'`, `"segments":["tennis-fans"]`},
	} {
		found := regexp.MustCompile(c.line).FindStringSubmatch(text)
		if found == nil {
			t.Errorf("%s: nothing to try in\n%s", name, text)
			continue
		}
		method, body := http.MethodGet, ""
		if len(found) == 4 {
			method, body = http.MethodPost, found[2]
		}
		r, err := http.NewRequest(method, found[len(found)-1], strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 2 {
			r.Header.Set("Authorization", "Bearer "+found[1])
			r.Header.Set("Content-Type", "application/json")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %s %.300s %v", name, answer.Status, got, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}
