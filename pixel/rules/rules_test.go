package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// read makes a set of YAML.
func read(t testing.TB, o Options, text string) (*Set, []Rule) {
	t.Helper()
	var list []Rule
	if err := yaml.UnmarshalWithOptions([]byte(text), &list, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	set, err := Compile(o, list)
	if err != nil {
		t.Fatal(err)
	}
	return set, list
}

// TestConditions gives each kind of condition pages that meet it and pages that
// do not: one rule at a time.
func TestConditions(t *testing.T) {
	paris, err := ParseZone("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	url := func(u string) *Page {
		p := new(Page)
		p.SetURL([]byte(u))
		return p
	}
	title := func(text string) *Page { return &Page{Title: []byte(text)} }
	meta := func(text string) *Page { return &Page{Meta: []byte(text)} }
	canonical := func(u string) *Page { return &Page{Canonical: []byte(u)} }
	search := func(text string) *Page { return &Page{Search: []byte(text)} }
	from := func(u string) *Page { return &Page{Referrer: []byte(u)} }
	event := func(name, object, items string) *Page {
		return &Page{Event: []byte(name), Object: []byte(object), Items: []byte(items)}
	}
	value := func(v, currency string) *Page { return &Page{Value: []byte(v), Currency: []byte(currency)} }
	at := func(text string) *Page {
		when, err := time.Parse("Mon 2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return &Page{Time: when}
	}
	device := func(d Device) *Page { return &Page{Device: d} }
	type pages = []*Page
	for _, c := range []struct {
		rule    string
		yes, no pages
	}{
		{`path: /`, pages{url("https://a.example/"), url("https://a.example"), url("/?q=1")}, pages{url("/index.html"), url(""), {}}},
		{`path: /*`, pages{url("/"), url("/a/b?c#d")}, pages{{}, url("a/b")}},
		{`path: /shuttle/*`, pages{url("/shuttle/"), url("/shuttle/a/b.html")}, pages{url("/shuttle"), url("/shuttles/"), url("/a/shuttle/")}},
		{`path: [/a, /b]`, pages{url("/a"), url("/b#x")}, pages{url("/c"), url("/a/"), url("/A")}},
		{`path: /shop/*/reviews`, pages{url("/shop/racket/reviews")}, pages{url("/shop/reviews"), url("/shop//reviews"), url("/shop/a/b/reviews"), url("/shop/a/reviews/")}},
		{`path: /shop/*/reviews/*`, pages{url("/shop/racket/reviews/"), url("/shop/racket/reviews/1/2")}, pages{url("/shop/racket/reviews")}},
		{`path: [/café/*, "/a%2Ab"]`, pages{url("/caf%C3%A9/x"), url("/caf%c3%a9/x"), url("/café/x"), url("/a*b")}, pages{url("/cafe/x"), url("/caf%C3%A9"), url("/caf%C3%/x")}},
		{`host: [www.shop.example, "*.news.example"]`, pages{url("https://www.shop.example/x"), url("HTTP://WWW.shop.example:8080/x"), url("//a.b.news.example/")},
			pages{url("https://shop.example/"), url("https://news.example/"), url("/x"), url("ftp://www.shop.example/"), url("https://www.shop.example@evil.example/")}},
		{`query: {utm_source: [news, mail]}`, pages{url("/?utm_source=news"), url("/?a&utm_source=ma%69l"), url("/?utm%5fsource=news")}, pages{url("/"), url("/?utm_source=News"), url("/?utm_source"), url("/#?utm_source=news")}},
		{`query: {a: "*", b: 007}`, pages{url("/?a&b=007"), url("/?b=007&a=1")}, pages{url("/?a&b=7"), url("/?b=007"), url("/?a=1")}},
		{`query: {a: "x y"}`, pages{url("/?a=x+y"), url("/?a=x%20y")}, pages{url("/?a=xy")}},
		{`search: [tennis racket, golf]`, pages{search("cheap TENNIS  racket!"), url("/?q=golf"), url("/find?s=a+golf%20club"), url("/?query=golf"),
			from("https://www.google.co.uk/search?hl=en&q=tennis+racket"), from("https://duckduckgo.com/?q=golf"), from("https://uk.search.yahoo.com/search?p=golf"), from("https://yandex.com.tr/search/?text=golf")},
			pages{search("tennis rackets"), search("racket tennis"), url("/?p=golf"), url("/?q=golfing"), title("golf"),
				from("https://google.evil.example/?q=golf"), from("https://www.bing.com/search?p=golf"), from("https://a.example/?q=golf"), from("https://google.de/golf")}},
		{`words: [tennis racket, Ünï, "24"]`, pages{title("Tennis-Racket"), title("buy: tennis\n racket."), title("ÜNÏ"), meta("x, ünï, y"), canonical("https://shop.example/a/tennis-racket.html"),
			canonical("/%C3%BCn%C3%AF/"), title("open 24/7")}, pages{title("tennisracket"), title("tennis rackets"), title("tennis a racket"), title("unï"), title("tennis"), title("2024"), search("tennis racket"), title("tennis\xffracke")}},
		{`words: [テニス, 靴 red]`, pages{title("新しいテニスのラケット"), title("テニス"), title("靴、RED")}, pages{title("テニ ルス"), title("卓球")}},
		{`words: москва`, pages{title("Москва, Россия"), canonical("https://a.example/%D0%BC%D0%BE%D1%81%D0%BA%D0%B2%D0%B0")}, pages{title("москвы")}},
		{`referrer: ["*.facebook.com", t.co]`, pages{from("https://m.facebook.com/"), from("https://t.co")}, pages{{}, from("https://facebook.com.example/"), from("https://xt.co/"), from("/x")}},
		{`event: [cart, purchase]`, pages{event("cart", "", ""), event("purchase", "1", "")}, pages{event("", "", ""), event("carts", "", "")}},
		{`item: [sku-1*, B7]`, pages{event("", "sku-1", ""), event("", "sku-17", ""), event("", "", "a,B7,c")}, pages{event("", "sku-2", "b7,"), event("", "", ""), event("sku-1", "", "xsku-1")}},
		{`value_at_least: 49.90`, pages{value("49.9", ""), value("49.900000", "USD"), value("100", "")}, pages{value("49.89", ""), value("", ""), value("-50", ""), value("50,00", ""), value("1e9", ""), value("1234567890123", "")}},
		{`value_at_least: 100 EUR`, pages{value("100.00", "EUR"), value("100", "eur")}, pages{value("100", "USD"), value("100", ""), value("99.99", "EUR"), value("100", "EURO")}},
		{`device: [mobile, tablet]`, pages{device(Mobile), device(Tablet)}, pages{device(Desktop), device(Unknown)}},
		// Paris is an hour ahead of UTC in winter, two in summer.
		{`hours: 18-23`, pages{at("Sat 2026-01-03 17:00"), at("Sat 2026-01-03 22:59"), at("Sat 2026-07-04 16:00")}, pages{at("Sat 2026-01-03 16:59"), at("Sat 2026-01-03 23:00")}},
		{`hours: [22-2, 8]`, pages{at("Sat 2026-01-03 21:00"), at("Sat 2026-01-03 23:30"), at("Sat 2026-01-03 01:59"), at("Sat 2026-01-03 07:30")}, pages{at("Sat 2026-01-03 20:59"), at("Sat 2026-01-03 02:00"), at("Sat 2026-01-03 08:00")}},
		{`weekdays: [sat, Sun]`, pages{at("Sat 2026-01-03 12:00"), at("Fri 2026-01-02 23:00"), at("Sun 2026-01-04 22:59")}, pages{at("Fri 2026-01-02 22:59"), at("Sun 2026-01-04 23:00")}},
		{`weekdays: sat-mon`, pages{at("Mon 2026-01-05 12:00"), at("Sun 2026-01-04 12:00")}, pages{at("Tue 2026-01-06 12:00"), at("Fri 2026-01-02 12:00")}},
	} {
		set, _ := read(t, Options{Zone: paris}, "- "+c.rule+"\n  labels: a")
		var w Scratch
		for want, list := range map[bool]pages{true: c.yes, false: c.no} {
			for i, p := range list {
				for range 2 { // a second look must not find what the first left behind
					if fired := set.Match(p, &w); (len(fired) == 1) != want {
						t.Errorf("%s: page %d of %v fires %v", c.rule, i, want, fired)
					}
				}
				if v := set.Explain(p)[0]; v.Fired != want || (v.Failed == "") != want {
					t.Errorf("%s: page %d of %v: %+v", c.rule, i, want, v)
				}
			}
		}
	}
}

// TestAllOfRule sees that a rule needs each of its conditions, and that rules
// with conditions in common do not disturb each other.
func TestAllOfRule(t *testing.T) {
	set, _ := read(t, Options{}, `
- {host: a.example, path: /x/*, labels: [l/1, l/2]}
- {host: a.example, path: /x/*, event: cart, labels: l/1}
- {path: /x/*, words: red shoes, labels: l/3}
- {words: [shoes, red shoes], labels: l/4}
- {host: b.example, labels: l/5}
`)
	var w Scratch
	match := func(url, title, event string) []int {
		p := Page{Title: []byte(title), Event: []byte(event)}
		p.SetURL([]byte(url))
		return set.Match(&p, &w)
	}
	for _, c := range []struct {
		url, title, event string
		want              []int
	}{
		{"https://a.example/x/", "", "", []int{0}},
		{"https://a.example/x/", "", "cart", []int{0, 1}},
		{"https://b.example/x/", "New red shoes", "cart", []int{2, 3, 4}},
		{"https://c.example/y", "shoes", "", []int{3}},
		{"https://c.example/y", "", "", []int{}},
	} {
		if got := match(c.url, c.title, c.event); !slices.Equal(got, c.want) {
			t.Errorf("%s %q %s: %v, want %v", c.url, c.title, c.event, got, c.want)
		}
	}
	if got := set.Granted(); strings.Join(got, " ") != "l/1 l/2 l/3 l/4 l/5" || set.Len() != 5 || !slices.Equal(set.Labels(0), []string{"l/1", "l/2"}) {
		t.Errorf("granted %v, %d rules, the first gives %v", got, set.Len(), set.Labels(0))
	}
	empty := new(Set)
	if got := empty.Match(&Page{Path: []byte("/")}, &w); len(got) != 0 || empty.Granted() != nil || len(empty.Explain(&Page{})) != 0 {
		t.Errorf("no rules: %v", got)
	}
}

func TestExplain(t *testing.T) {
	set, _ := read(t, Options{}, `
- {name: reviews, host: a.example, path: /x/*, event: [cart, purchase], device: mobile, labels: l/1}
- {words: shoes, labels: l/2}
`)
	p := Page{Title: []byte("shoes")}
	p.SetURL([]byte("https://a.example/x/1"))
	got := set.Explain(&p)
	if v := got[0]; v.Fired || v.Met != 2 || v.Conditions != 4 || v.Name != "reviews" || v.Failed != "event: cart or purchase; it is a page view" {
		t.Errorf("%+v", v)
	}
	if v := got[1]; !v.Fired || v.Met != 1 || v.Failed != "" || v.Rule != 1 || v.Labels[0] != "l/2" {
		t.Errorf("%+v", v)
	}
}

func TestBadRules(t *testing.T) {
	for rule, want := range map[string]string{
		`{labels: a}`:                                                      "rule 2: it has no condition",
		`{name: x, path: shuttle/*, labels: a}`:                            `rule 2 (x): path "shuttle/*": want a page`,
		`{path: /shuttle*, labels: a}`:                                     "whole folder",
		`{path: /a/*b/c, labels: a}`:                                       "whole folder",
		`{path: "/a?b", labels: a}`:                                        `path "/a?b"`,
		`{path: "", labels: a}`:                                            `path ""`,
		`{path: /a}`:                                                       "gives no labels",
		`{path: /a, labels: A}`:                                            `label "A"`,
		`{path: /a, labels: seen}`:                                         `label "seen"`,
		`{path: /a, labels: site/shop}`:                                    `label "site/shop"`,
		`{host: "shop.example:80", labels: a}`:                             `host "shop.example:80"`,
		`{referrer: "https://t.co", labels: a}`:                            `referrer: host "https://t.co"`,
		`{query: {"a=b": c}, labels: a}`:                                   `query: parameter "a=b"`,
		`{query: {}, labels: a}`:                                           "no condition",
		`{words: "!", labels: a}`:                                          `words "!": want a word`,
		`{search: "tennis*", labels: a}`:                                   `search "tennis*": want a word`,
		`{event: Cart, labels: a}`:                                         `event "Cart"`,
		`{item: "*", labels: a}`:                                           `item "*"`,
		`{item: "a*b", labels: a}`:                                         `item "a*b"`,
		`{value_at_least: "49,90", labels: a}`:                             `value_at_least "49,90"`,
		`{value_at_least: -1, labels: a}`:                                  `value_at_least "-1"`,
		`{value_at_least: 50 euros, labels: a}`:                            `value_at_least "50 euros"`,
		`{device: phone, labels: a}`:                                       `device "phone": want mobile, tablet or desktop`,
		`{hours: 18-24, labels: a}`:                                        `hours "18-24"`,
		`{hours: "9:00", labels: a}`:                                       `hours "9:00"`,
		`{weekdays: monday, labels: a}`:                                    `weekdays "monday"`,
		`{path: [], labels: a}`:                                            "the list is empty",
		`{path: , labels: a}`:                                              "path has no value",
		`{query: {a: }, labels: a}`:                                        "query has no value",
		`{path: {a: b}, labels: a}`:                                        "want a text or a list of texts",
		`{path: [[a]], labels: a}`:                                         "want a text or a list of texts",
		`{paths: /a, labels: a}`:                                           "paths",
		`{words: ` + strings.Repeat("x", maxPattern+1) + `, labels: a}`:    "at most 1024",
		`{path: "` + strings.Repeat("/a", maxSegments+1) + `", labels: a}`: "at most 32",
	} {
		var list []Rule
		err := yaml.UnmarshalWithOptions([]byte("- {path: /, labels: a}\n- "+rule), &list, yaml.Strict())
		if err == nil {
			if _, err = Compile(Options{}, list); err != nil && !errors.Is(err, ErrBadRule) {
				t.Errorf("%s: %v is no ErrBadRule", rule, err)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", rule, err, want)
		}
	}
	if _, err := Compile(Options{}, []Rule{{Path: Any{}, Labels: Any{"a"}}}); !errors.Is(err, ErrBadRule) {
		t.Errorf("an empty list in Go: %v", err)
	}
	if _, err := Compile(Options{}, []Rule{{Query: map[string]Any{"a": nil}, Labels: Any{"a"}}}); !errors.Is(err, ErrBadRule) {
		t.Errorf("a parameter without values: %v", err)
	}
	if _, err := Compile(Options{}, make([]Rule, maxRules+1)); !errors.Is(err, ErrBadRule) {
		t.Errorf("too many rules: %v", err)
	}
	if _, err := Compile(Options{SearchParameters: []string{"a&b"}}, nil); !errors.Is(err, ErrBadRule) {
		t.Errorf("a bad search parameter: %v", err)
	}
}
