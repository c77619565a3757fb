package demo

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"sosie/pixel"
	"sosie/pixel/rules"
)

var day = time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)

func TestPopulationIsItsSeed(t *testing.T) {
	if !reflect.DeepEqual(NewPopulation(200, 7, day), NewPopulation(200, 7, day)) {
		t.Error("the same seed made others")
	}
	if reflect.DeepEqual(NewPopulation(200, 7, day), NewPopulation(200, 8, day)) {
		t.Error("another seed made the same")
	}
}

func TestEveryKindOccurs(t *testing.T) {
	found := map[kind]int{}
	for _, v := range NewPopulation(0, 1, day).visitors {
		found[v.kind]++
	}
	for k := range kindsInAll {
		if found[kind(k)] == 0 {
			t.Errorf("kind %d never occurs among %d", k, DefaultUsers)
		}
	}
}

// TestRulesGiveWhatPagesSay: the labels that the truth expects of a page are those
// that the rules of the configuration give it.
func TestRulesGiveWhatPagesSay(t *testing.T) {
	var config struct {
		Sites []pixel.Site `yaml:"sites"`
	}
	if err := yaml.Unmarshal([]byte(Configuration("secret")), &config); err != nil {
		t.Fatal(err)
	}
	sets := map[string]*rules.Set{}
	for _, s := range config.Sites {
		set, err := rules.Compile(rules.Options{}, s.Rules)
		if err != nil {
			t.Fatal(err)
		}
		sets[s.Key] = set
	}
	for name, p := range pages {
		query, err := url.ParseQuery(line(&visitor{}, "", visit{page: p}))
		if err != nil {
			t.Fatal(err)
		}
		var scratch rules.Scratch
		var got []string
		page := rules.Page{Event: []byte(query.Get("e")), Items: []byte(query.Get("n")),
			Value: []byte(query.Get("v")), Currency: []byte(query.Get("y")), Time: day}
		page.SetURL([]byte(query.Get("u")))
		for _, rule := range sets[p.site].Match(&page, &scratch) {
			got = append(got, sets[p.site].Labels(rule)...)
		}
		if !slices.Equal(got, p.labels) {
			t.Errorf("%s: the rules give %v, want %v", name, got, p.labels)
		}
	}
}

// TestHistory: every row is of a day in the past weeks, and weekends have more of
// them.
func TestHistory(t *testing.T) {
	var file bytes.Buffer
	rows, err := NewPopulation(3000, 1, day).History(&file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(lines) != rows+1 {
		t.Fatalf("%d lines of %d rows: %v", len(lines), rows, err)
	}
	var on [7]int
	for _, l := range lines[1:] {
		at, err := time.Parse(time.DateOnly, l[2])
		if err != nil || !at.Before(day.Truncate(24*time.Hour)) || day.Sub(at) > (7*Weeks+1)*24*time.Hour {
			t.Fatalf("row %v: %v", l, err)
		}
		on[at.Weekday()]++
	}
	if on[time.Saturday] < on[time.Tuesday]*3/2 {
		t.Errorf("rows by weekday: %v", on)
	}
}

// TestBrowse: what reaches the server is what the population says.
func TestBrowse(t *testing.T) {
	var mu sync.Mutex
	var hits, robots, gpc, tennis, signed int
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
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		q, _ := url.ParseQuery(body.String() + r.URL.RawQuery)
		if q.Get("u") == "https://www.news.example/sport/tennis/" {
			tennis++
		}
		if id := q.Get("k"); id != "" && q.Get("h") == pixel.SignID([]byte("secret"), "club", id) {
			signed++
		}
	}))
	defer server.Close()
	p := NewPopulation(300, 3, day)
	told, err := p.Browse(t.Context(), Options{Pixel: server.URL, Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	members, today := p.Members()
	if hits != told || len(addresses) != 300-members+today || robots == 0 || gpc == 0 || tennis == 0 || signed == 0 {
		t.Errorf("%d hits of %d, %d addresses, %d of robots, %d of GPC, %d of tennis, %d signed", hits, told, len(addresses), robots, gpc, tennis, signed)
	}
	for _, e := range p.Expectations() {
		if e.Count == 0 && e.Expression != "site/weather" && !strings.Contains(e.Expression, "then") || e.Count > 320 {
			t.Errorf("%s: expects %d users", e.Expression, e.Count)
		}
	}
}

func TestBrowseFailsWithTheServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := NewPopulation(5, 0, day).Browse(t.Context(), Options{Pixel: server.URL}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}
