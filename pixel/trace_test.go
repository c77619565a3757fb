package pixel

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
)

func sprint(list []string) string { return fmt.Sprint(list) }

// TestTrace sees what an administrator is told of a hit, and others are not.
func TestTrace(t *testing.T) {
	h := openHouse(t, func(c *Config) { c.Inspect = func(token []byte, _ netip.Addr) bool { return string(token) == "admin" } })
	b, u := h.newUser(t)
	b.change = func(hit *Hit) { hit.Token = []byte("admin") }
	r := b.get("s=news&l=interest/tennis,place/france,interest/golf,bought/racket")
	var got Trace
	if err := json.Unmarshal(r.Body, &got); err != nil || r.Status != 200 || r.Type != "application/json" {
		t.Fatalf("answer %d, %s, %q, %v", r.Status, r.Type, r.Body, err)
	}
	text := fmt.Sprint(got.Outcome, " ", got.Site, " ", got.Labels, " ", got.LeftOut)
	if want := "stored news [site/news interest/tennis] map[bought/racket:label_signed interest/golf:label_unknown place/france:label_forbidden]"; text != want {
		t.Errorf("told %s, want %s", text, want)
	}
	if got := h.carried(t, u, u+1); got != "interest/tennis seen site/news" {
		t.Errorf("the user carries %q: a hit that is traced counts", got)
	}
	if err := json.Unmarshal(b.get("s=golf").Body, &got); err != nil || got.Outcome != "unknown_site" {
		t.Errorf("told %+v, %v", got, err)
	}
	b.change = func(hit *Hit) { hit.Token = []byte("guess") }
	if r := b.get("s=news"); r.Type != "image/gif" {
		t.Errorf("a stranger is told %q", r.Body)
	}
}

// TestCauseNames holds the names of causes against those of the counters.
func TestCauseNames(t *testing.T) {
	text, err := json.Marshal(Counters{})
	if err != nil {
		t.Fatal(err)
	}
	var counters map[string]uint64
	if err := json.Unmarshal(text, &counters); err != nil {
		t.Fatal(err)
	}
	for c := stored; c < causes; c++ {
		if _, ok := counters[c.String()]; c.String() != "" && !ok {
			t.Errorf("no counter is called %q", c)
		}
		if c <= storeFailed && c.String() == "" {
			t.Errorf("outcome %d has no name", c)
		}
	}
}
