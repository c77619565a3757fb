package demo

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestVisitorsAreTheirSeed(t *testing.T) {
	if !reflect.DeepEqual(visitors(200, 7), visitors(200, 7)) {
		t.Error("the same seed made others")
	}
	if reflect.DeepEqual(visitors(200, 7), visitors(200, 8)) {
		t.Error("another seed made the same")
	}
}

func TestEveryKindOccurs(t *testing.T) {
	found := map[kind]int{}
	for _, v := range visitors(DefaultUsers, 1) {
		found[v.kind]++
	}
	for k := returning; k <= member; k++ {
		if found[k] == 0 {
			t.Errorf("kind %d never occurs among %d", k, DefaultUsers)
		}
	}
}

// TestBrowse: what reaches the server is what Truth says.
func TestBrowse(t *testing.T) {
	var mu sync.Mutex
	var hits, robots, gpc, tennis int
	addresses := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hits++
		addresses[r.Header.Get("X-Forwarded-For")] = true
		if strings.Contains(r.UserAgent(), "bot") {
			robots++
		}
		if r.Header.Get("Sec-GPC") == "1" {
			gpc++
		}
		if r.FormValue("l") == "interest/tennis" {
			tennis++
		}
	}))
	defer server.Close()
	truth, err := Browse(t.Context(), Options{Pixel: server.URL, Users: 300, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if hits != truth.Hits || len(addresses) != 300 || robots == 0 || gpc == 0 || tennis == 0 {
		t.Errorf("%d hits of %d, %d addresses, %d of robots, %d of GPC, %d of tennis", hits, truth.Hits, len(addresses), robots, gpc, tennis)
	}
	if all := truth.Expectations()[0].Count; all == 0 || all > 300 {
		t.Errorf("expects %d users", all)
	}
}

func TestBrowseFailsWithTheServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := Browse(t.Context(), Options{Pixel: server.URL, Users: 5}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}
