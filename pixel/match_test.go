package pixel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sosie/pixel/rules"
)

func ruledSites(c *Config) {
	c.Sites = []Site{{
		Key: "shop", WithoutSignal: CollectWithoutSignal, Writes: []string{"interest/*", "page/*", "event/*"}, Hosts: []string{"www.shop.example"},
		Zone: "Europe/Paris", // 14:00 there at noon
		Rules: []rules.Rule{
			{Name: "tennis pages", Path: rules.Any{"/tennis/*"}, Labels: rules.Any{"interest/tennis", "page/sport"}},
			{Name: "racket searched", Search: rules.Any{"racket"}, Labels: rules.Any{"interest/racket"}},
			{Name: "cart", Event: rules.Any{"cart"}, Labels: rules.Any{"event/cart"}},
			{Name: "big cart", Event: rules.Any{"cart"}, ValueAtLeast: rules.Any{"100"}, Labels: rules.Any{"event/big-cart"}},
			{Name: "wimbledon", Words: rules.Any{"wimbledon"}, Labels: rules.Any{"interest/wimbledon"}},
			{Name: "afternoon", Host: rules.Any{"www.shop.example"}, Hours: rules.Any{"14-17"}, Labels: rules.Any{"page/afternoon"}},
			{Name: "phone", Device: rules.Any{"mobile"}, Labels: rules.Any{"page/mobile"}},
		},
	}}
}

// TestRulesOnHits asks what labels pages and events give.
func TestRulesOnHits(t *testing.T) {
	h := openHouse(t, ruledSites)
	phone := func(h *Hit) {
		h.Agent = []byte("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1")
	}
	for _, c := range []struct {
		name, query string
		change      func(*Hit)
		carried     string
	}{
		{"no address", "s=shop", nil, ""},
		{"a page of a folder", "s=shop&u=https%3A%2F%2Fm.shop.example%2Ftennis%2Fballs%3Fx%3D1", nil, "interest/tennis page/sport"},
		{"and a label of its own", "s=shop&l=interest/01&u=https%3A//m.shop.example/tennis/", nil, "interest/01 interest/tennis page/sport"},
		{"the page of an image is its referrer", "s=shop", func(h *Hit) { h.Referer = []byte("https://m.shop.example/tennis/") }, "interest/tennis page/sport"},
		{"an address goes before the referrer", "s=shop&u=https%3A//m.shop.example/golf", func(h *Hit) { h.Referer = []byte("https://m.shop.example/tennis/") }, ""},
		{"words of the site's search", "s=shop&q=Tennis+Racket", nil, "interest/racket"},
		{"words searched for elsewhere", "s=shop&r=https%3A//www.google.com/search%3Fq%3Dracket", nil, "interest/racket"},
		{"an event", "s=shop&e=CART&i=sku-1", nil, "event/cart"},
		{"of some value", "s=shop&e=cart&v=149.90&y=EUR", nil, "event/big-cart event/cart"},
		{"words of the title", "s=shop&t=All+of+WIMBLEDON", nil, "interest/wimbledon"},
		{"the hour there", "s=shop&u=https%3A//www.shop.example/", nil, "page/afternoon"},
		{"the device", "s=shop", phone, "page/mobile"},
	} {
		b, u := h.newUser(t)
		b.change = c.change
		b.get(c.query)
		want := strings.TrimSpace(c.carried + " seen site/shop")
		for _, via := range []string{"image", "beacon"} {
			if got := h.carried(t, u, u+1); got != want {
				t.Errorf("%s, by %s: the user carries %q, want %q", c.name, via, got, want)
			}
			if via == "image" {
				b, u = h.newUser(t)
				b.change = c.change
				b.post("s=shop&u=https%3A//m.shop.example/none\n" + c.query)
			}
		}
	}
}

// TestRulesOfAPendingHit sees that what the first page was worth is not lost.
func TestRulesOfAPendingHit(t *testing.T) {
	h := openHouse(t, ruledSites)
	b := &browser{h: h}
	b.get("s=shop&u=https%3A//m.shop.example/tennis/")
	h.pass(time.Minute)
	b.get("s=shop&e=cart")
	if got, want := h.carried(t, 0, h.store.HighWater()), "event/cart interest/tennis page/sport seen site/shop"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
}

// TestRulesAreReplaced while hits come in.
func TestRulesAreReplaced(t *testing.T) {
	h := openHouse(t, ruledSites)
	site := h.config.Sites[0]
	site.Rules = []rules.Rule{{Path: rules.Any{"/golf/*"}, Labels: rules.Any{"interest/golf"}}}
	if err := h.SetSites([]Site{site}); err != nil {
		t.Fatal(err)
	}
	b, u := h.newUser(t)
	b.get("s=shop&u=https%3A//m.shop.example/tennis/")
	b.get("s=shop&u=https%3A//m.shop.example/golf/")
	if got, want := h.carried(t, u, u+1), "interest/golf seen site/shop"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
	site.Rules[0].Labels = rules.Any{"bought/racket"}
	site.Writes = nil
	if err := h.SetSites([]Site{site}); !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), "signed") {
		t.Errorf("a rule that grants a signed label: %v", err)
	}
	if err := h.store.DeleteLabel("interest/golf"); err != nil {
		t.Fatal(err)
	}
	b, u = h.newUser(t)
	b.get("s=shop&u=https%3A//m.shop.example/golf/")
	if got := h.carried(t, u, u+1); got != "seen site/shop" {
		t.Errorf("with a label that was deleted the user carries %q", got)
	}
}

// TestTraceExplainsRules sees that each rule says why it did not fire.
func TestTraceExplainsRules(t *testing.T) {
	h := openHouse(t, ruledSites)
	b, _ := h.newUser(t)
	h.inspect = func([]byte, netip.Addr) bool { return true }
	b.change = func(hit *Hit) { hit.Token = []byte("any") }
	var got Trace
	if err := json.Unmarshal(b.get("s=shop&e=cart&v=50&u=https%3A//m.shop.example/tennis/1").Body, &got); err != nil {
		t.Fatal(err)
	}
	var fired []string
	for _, r := range got.Rules {
		if r.Fired {
			fired = append(fired, r.Rule)
		} else if r.Why == "" || len(r.Labels) == 0 {
			t.Errorf("%s did not fire, and nothing says why: %+v", r.Rule, r)
		}
	}
	if want := "[rule 1 (tennis pages) rule 3 (cart)]"; fmt.Sprint(fired) != want || len(got.Rules) != 7 {
		t.Errorf("fired %v of %d, want %s", fired, len(got.Rules), want)
	}
}

// BenchmarkRules is one hit of a known user, without and with 300 rules.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{0, 300} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			h := openHouse(b, func(c *Config) {
				ruledSites(c)
				c.Sites[0].Rules = c.Sites[0].Rules[:min(n, len(c.Sites[0].Rules))]
				for i := len(c.Sites[0].Rules); i < n; i++ {
					c.Sites[0].Rules = append(c.Sites[0].Rules, rules.Rule{
						Path: rules.Any{fmt.Sprintf("/folder-%d/*", i)}, Labels: rules.Any{fmt.Sprintf("page/%d", i%100)}})
					if i%3 == 0 {
						c.Sites[0].Rules[i] = rules.Rule{Words: rules.Any{fmt.Sprintf("word%d", i)}, Labels: rules.Any{fmt.Sprintf("interest/%d", i%100)}}
					}
				}
			})
			h.openPixel(b, instant{h.store})
			known, _ := h.newUser(b)
			hit := &Hit{Path: []byte(Path), Agent: []byte(browserAgent), Cookies: [][]byte{[]byte(CookieName + "=" + known.cookie)},
				Query: []byte("s=shop&u=https%3A%2F%2Fwww.shop.example%2Ftennis%2Fballs%3Fcolor%3Dgreen&r=https%3A%2F%2Fwww.shop.example%2F&t=Tennis+balls+for+every+court+%E2%80%94+The+Shop&w=tennis%2C+balls%2C+court")}
			r := new(Reply)
			b.ReportAllocs()
			for b.Loop() {
				h.Answer(hit, r)
			}
		})
	}
}
