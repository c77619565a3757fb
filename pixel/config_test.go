package pixel

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	h := openHouse(t)
	sites := func(s ...Site) Config { return Config{Sites: s} }
	limits := func(fn func(*Limits)) Config {
		l := DefaultLimits()
		fn(&l)
		return Config{Limits: l}
	}
	for _, c := range []struct {
		name   string
		config Config
		word   string // of the error; empty = no error
	}{
		{"nothing", Config{}, ""},
		{"site", sites(Site{Key: "a.example:8080/x"}), ""},
		{"no key", sites(Site{}), "key"},
		{"key in upper case", sites(Site{Key: "News"}), "key"},
		{"long key", sites(Site{Key: strings.Repeat("a", maxSiteKey+1)}), "key"},
		{"key twice", sites(Site{Key: "a"}, Site{Key: "a"}), "twice"},
		{"signal", sites(Site{Key: "a", WithoutSignal: "maybe"}), "without_signal"},
		{"writes", sites(Site{Key: "a", Writes: []string{"a", "b/*", "*"}}), ""},
		{"writes a star inside", sites(Site{Key: "a", Writes: []string{"a*b"}}), "writes"},
		{"writes a prefix without slash", sites(Site{Key: "a", Writes: []string{"interest*"}}), "writes"},
		{"writes nothing", sites(Site{Key: "a", Writes: []string{""}}), "writes"},
		{"hosts", sites(Site{Key: "a", Hosts: []string{"www.shop.example", "*.shop.example"}}), ""},
		{"a host with a port", sites(Site{Key: "a", Hosts: []string{"shop.example:80"}}), "hosts"},
		{"zone", sites(Site{Key: "a", Zone: "Europe/Paris"}), ""},
		{"no such zone", sites(Site{Key: "a", Zone: "Europe/Atlantis"}), "zone"},
		{"the zone of the machine", sites(Site{Key: "a", Zone: "Local"}), "zone"},
		{"search parameters", sites(Site{Key: "a", SearchParameters: []string{"q", "filter[text]"}}), ""},
		{"an empty search parameter", sites(Site{Key: "a", SearchParameters: []string{""}}), "search_parameters"},
		{"many search parameters", sites(Site{Key: "a", SearchParameters: strings.Split("abcdefghijklmnopq", "")}), "search_parameters"},
		{"no timeout", limits(func(l *Limits) { l.ReadTimeout = 0 }), "read_timeout"},
		{"negative timeout", limits(func(l *Limits) { l.IdleTimeout = -1 }), "idle_timeout"},
		{"tiny buffer", limits(func(l *Limits) { l.ReadBuffer = 100 }), "read_buffer"},
		{"no connections", limits(func(l *Limits) { l.Connections = 0 }), "connections"},
		{"no limit by address", limits(func(l *Limits) { l.ConnectionsPerAddress, l.ClaimsPerHour, l.AgentsPerHour = 0, 0, 0 }), ""},
		{"proxy", Config{TrustedProxies: make([]netip.Prefix, 1)}, "proxy"},
	} {
		_, err := New(c.config, h.keys, h.store, nil)
		if (err == nil) != (c.word == "") || err != nil && (!errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), c.word)) {
			t.Errorf("%s: %v, want an error of %q", c.name, err, c.word)
		}
	}
}

func TestSetSites(t *testing.T) {
	h := openHouse(t)
	b, _ := h.newUser(t)
	if err := h.SetSites([]Site{{Key: "blog", WithoutSignal: CollectWithoutSignal}}); err != nil {
		t.Fatal(err)
	}
	if r := b.get("s=blog"); r.Status != 200 {
		t.Errorf("new site is answered %d", r.Status)
	}
	if r := b.get("s=news"); r.Status != 403 {
		t.Errorf("removed site is answered %d", r.Status)
	}
	if err := h.SetSites([]Site{{Key: "NO"}}); err == nil {
		t.Error("a bad site passes")
	}
	if r := b.get("s=blog"); r.Status != 200 {
		t.Errorf("after a refused change the site is answered %d", r.Status)
	}
}
