package office

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"sosie/dmp"
)

// TestTurns: a token has two turns at most, all have four, and nothing stays of who
// asks no more.
func TestTurns(t *testing.T) {
	turns := newTurns()
	gone, leave := context.WithCancel(t.Context())
	leave()
	var ends []func()
	for _, grant := range []string{"a", "a", "b", "b"} {
		end, err := turns.take(t.Context(), grant)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
		if grant == "a" {
			continue
		}
		if _, err := turns.take(gone, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("a third turn of one: %v", err)
		}
	}
	if _, err := turns.take(gone, "c"); !errors.Is(err, context.Canceled) {
		t.Errorf("a fifth turn: %v", err)
	}
	ends[0]()
	end, err := turns.take(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range append(ends[1:], end) {
		end()
	}
	if len(turns.of) != 0 || len(turns.all) != 0 {
		t.Errorf("%d grants and %d turns stay", len(turns.of), len(turns.all))
	}
}

// slow is a house that sizes by day until it is told to end.
type slow struct {
	House
	began chan struct{}
	end   chan struct{}
}

func (s slow) SizeByDay(ctx context.Context, _ string, _ int) (dmp.SizeByDay, error) {
	s.began <- struct{}{}
	select {
	case <-s.end:
		return dmp.SizeByDay{}, nil
	case <-ctx.Done():
		return dmp.SizeByDay{}, ctx.Err()
	}
}

// TestLongQuestions: those of one buyer leave turns to the others, and those of all
// buyers leave the administrator his status and his tokens.
func TestLongQuestions(t *testing.T) {
	d := openDesk(t)
	house := slow{d.house, make(chan struct{}, 100), make(chan struct{})}
	o := New(house, d.house.Keyring(), []string{"localhost"}, false)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second) // ends what would wait for good
	defer stop()
	ask := func(who, method, path string, q question) int {
		body, err := json.Marshal(q)
		if err != nil {
			t.Error(err)
		}
		r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+d.tokens[who])
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		return w.Code
	}
	var asking sync.WaitGroup
	defer asking.Wait()
	defer close(house.end)
	long := func(who string, questions, work int) {
		for range questions {
			asking.Go(func() {
				if code := ask(who, "POST", "/v1/size-by-day", question{"expression": "seen", "days": 1}); code != http.StatusOK {
					t.Errorf("%s: %d", who, code)
				}
			})
		}
		for range work {
			<-house.began
		}
	}
	long("buyer", 8, questionsOfOne)
	if code := ask("shop", "POST", "/v1/count", expr("seen")); code != http.StatusOK {
		t.Errorf("another buyer is answered %d", code)
	}
	long("news", 8, questionsAtOnce-questionsOfOne)
	for _, path := range []string{"/v1/status", "/v1/tokens"} {
		if code := ask("admin", "GET", path, nil); code != http.StatusOK {
			t.Errorf("%s is answered %d", path, code)
		}
	}
	if len(house.began) > 0 {
		t.Errorf("%d more questions are worked on", len(house.began))
	}
}
