package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The alphabet of random rules and pages is small, so that they meet often.
var (
	someHosts   = []string{"a.example", "www.a.example", "x.www.a.example", "example", "google.com", "www.google.co.uk", "b.example"}
	somePieces  = []string{"a", "b", "shop", "caf%C3%A9", "café", "", "%2a", "x y", "%zz"}
	someWords   = []string{"red", "shoes", "red shoes", "shoes red", "Ünï", "テニス", "a", "red a", "a red shoes"}
	someIDs     = []string{"a", "ab", "abc", "b", "sku-1", "sku-17", ""}
	someEvents  = []string{"cart", "purchase", "view"}
	someValues  = []string{"0", "10", "49.90", "50", "1000000", "50.000001"}
	somePlaces  = []string{"/", "/*", "/a", "/a/*", "/*/a", "/a/*/b", "/*/*/b", "/shop/café", "/shop/caf%C3%A9/*", "/%2a", "/*/", "/a/b/*"}
	someOthers  = []string{"", "=", "&", "a=b", "q=red+shoes", "s=a%20red", "p=red", "A=b", "%61=b", "a", "é"}
	someMoments = []time.Time{time.Date(2026, 1, 3, 22, 59, 0, 0, time.UTC), time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 6, 12, 0, 0, 0, time.UTC)}
)

func someOf(t *rapid.T, what string, from []string) Any {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(slices.DeleteFunc(slices.Clone(from), func(s string) bool { return s == "" })), 1, 3, rapid.ID).Draw(t, what)
}

func someRule(t *rapid.T) Rule {
	r := Rule{Labels: Any{"a"}}
	for _, k := range rapid.SliceOfNDistinct(rapid.IntRange(0, int(byDevice)), 1, 4, rapid.ID).Draw(t, "kinds") {
		switch kind(k) {
		case byHost:
			r.Host = someOf(t, "host", append([]string{"*.a.example", "*.example"}, someHosts...))
		case byReferrer:
			r.Referrer = someOf(t, "referrer", append([]string{"*.google.com", "*.example"}, someHosts...))
		case byPath:
			r.Path = someOf(t, "path", somePlaces)
		case byQuery:
			r.Query = map[string]Any{}
			for _, parameter := range someOf(t, "parameter", []string{"a", "q", "s"}) {
				r.Query[parameter] = someOf(t, "value", []string{"*", "b", "red shoes", "A"})
			}
		case bySearch:
			r.Search = someOf(t, "search", someWords)
		case byWords:
			r.Words = someOf(t, "words", someWords)
		case byEvent:
			r.Event = someOf(t, "event", someEvents)
		case byItem:
			r.Item = someOf(t, "item", append([]string{"a*", "ab*", "sku-*"}, someIDs...))
		case byValue:
			r.ValueAtLeast = someOf(t, "value", append([]string{"50 EUR", "10 USD"}, someValues...))
		case byDevice:
			r.Device = someOf(t, "device", []string{"mobile", "tablet", "desktop"})
		case byHours:
			r.Hours = someOf(t, "hours", []string{"0", "22-2", "23", "12-13", "5-4"})
		case byWeekdays:
			r.Weekdays = someOf(t, "weekdays", []string{"sat", "sun", "mon-fri", "fri-sun"})
		}
	}
	return r
}

func somePage(t *rapid.T) *Page {
	join := func(what string, from []string, by string) []byte {
		return []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), 0, 5).Draw(t, what), by))
	}
	pick := func(what string, from []string) []byte { return []byte(rapid.SampledFrom(from).Draw(t, what)) }
	p := &Page{
		Title: join("title", someWords, " "), Meta: join("meta", someWords, ","), Search: join("search", someWords, "-"),
		Canonical: join("canonical", append([]string{"/caf%C3%A9", "%C3%9Cn%C3%AF"}, someWords...), "/"),
		Event:     pick("event", append([]string{""}, someEvents...)), Object: pick("object", someIDs), Items: join("items", someIDs, ","),
		Value: pick("value", append([]string{"", "x", "."}, someValues...)), Currency: pick("currency", []string{"", "EUR", "usd", "EU"}),
		Device: Device(rapid.IntRange(0, 3).Draw(t, "device")), Time: rapid.SampledFrom(someMoments).Draw(t, "time"),
	}
	p.Referrer = fmt.Appendf(nil, "https://%s/x?%s", pick("referrer", someHosts), join("referred", someOthers, "&"))
	p.SetURL(fmt.Appendf(nil, "https://%s/%s?%s", pick("host", append([]string{"A.Example:80", "a.example."}, someHosts...)), join("path", somePieces, "/"), join("query", someOthers, "&")))
	return p
}

// TestAgainstNaive holds Match and Explain against the plainest matcher.
func TestAgainstNaive(t *testing.T) {
	paris, err := ParseZone("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	fired, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		list := make([]Rule, rapid.IntRange(1, 70).Draw(t, "rules"))
		for i := range list {
			list[i] = someRule(t)
		}
		set, err := Compile(Options{Zone: paris}, list)
		if err != nil {
			t.Fatal(err)
		}
		plain := naive{paris, defaultSearchParameters, list}
		var w Scratch
		for range 4 {
			p := somePage(t)
			want := plain.match(p)
			if got := set.Match(p, &w); !slices.Equal(got, want) {
				t.Fatalf("%+v\nfires %v, want %v", p, got, want)
			}
			for i, v := range set.Explain(p) {
				if v.Fired != slices.Contains(want, i) || v.Fired != (v.Met == v.Conditions) {
					t.Fatalf("rule %d: %+v", i, v)
				}
			}
			fired, all = fired+len(want), all+len(list)
		}
	})
	if fired*50 < all || fired*2 > all {
		t.Errorf("%d of %d rules fired: the test says little", fired, all)
	}
}

// FuzzMatch gives a set of many kinds pages of any bytes.
func FuzzMatch(f *testing.F) {
	set, list := read(f, Options{}, `
- {path: [/a/*, /*/b, /café], labels: a}
- {host: ["*.a.example", b.example], labels: a}
- {query: {a: b}, labels: a}
- {query: {q: "*"}, labels: a}
- {search: [red, red shoes, テニス], labels: a}
- {words: [red, shoes, red shoes, ünï, テニス], labels: a}
- {referrer: ["*.example", www.google.com], labels: a}
- {event: cart, labels: a}
- {item: [a, sku-*], labels: a}
- {value_at_least: [10, 50 EUR], labels: a}
- {words: shoes, path: /*, event: cart, labels: a}
`)
	plain := naive{time.UTC, defaultSearchParameters, list}
	f.Add([]byte("https://x.a.example:80/a/b?a=b&q=red+shoes#x"), []byte("https://www.google.com/search?q=red%20shoes"), []byte("Red, shoes テニス ÜNÏ"), []byte("cart"), []byte("sku-1,a"), []byte("50.00"), []byte("eur"))
	f.Add([]byte("//%/%%/b?%=%&&=&a"), []byte("//[::1]:/?"), []byte("\xff\xc3red\x00shoes"), []byte(""), []byte(",,"), []byte("1."), []byte("€"))
	f.Fuzz(func(t *testing.T, url, referrer, text, event, items, value, currency []byte) {
		p := &Page{Referrer: referrer, Title: text, Canonical: url, Meta: referrer, Search: text, Event: event, Object: event, Items: items, Value: value, Currency: currency}
		p.SetURL(url)
		var w Scratch
		got, want := set.Match(p, &w), plain.match(p)
		if !slices.Equal(got, want) {
			t.Errorf("fires %v, want %v", got, want)
		}
		set.Explain(p)
	})
}
