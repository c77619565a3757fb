package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// wordsOfSites are stems that bench rules and pages make their words of.
var wordsOfSites = []string{"tennis", "racket", "shoes", "travel", "organic", "coffee", "garden", "camera", "guitar", "novel", "italy", "football", "cooking", "bicycle", "finance", "mortgage"}

// shopRules are rules such as a large shop has: mostly folders and words, some of
// everything else, all of one host.
func shopRules(n int) []Rule {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func() string { return wordsOfSites[rnd.IntN(len(wordsOfSites))] }
	list := make([]Rule, n)
	for i := range list {
		r := Rule{Labels: Any{fmt.Sprintf("bench/%d", i)}}
		switch i % 20 {
		case 0, 1, 2, 3, 4, 5:
			r.Path = Any{fmt.Sprintf("/%s/%s-%d/*", word(), word(), i), fmt.Sprintf("/%s-%d", word(), i)}
		case 6, 7:
			r.Host, r.Path = Any{"*.shop.example"}, Any{fmt.Sprintf("/%s/*/%s/*", word(), word())}
		case 8, 9, 10, 11:
			r.Words = Any{fmt.Sprintf("%s %s", word(), word()), fmt.Sprintf("%s%d", word(), i), word() + "s"}
		case 12, 13, 14:
			r.Search = Any{fmt.Sprintf("%s %s", word(), word()), fmt.Sprintf("%s%d", word(), i)}
		case 15:
			r.Query = map[string]Any{"utm_campaign": {fmt.Sprintf("%s-%d", word(), i)}}
		case 16:
			r.Event, r.Item, r.ValueAtLeast = Any{"cart", "purchase"}, Any{fmt.Sprintf("sku-%d*", i)}, Any{"20"}
		case 17:
			r.Referrer = Any{fmt.Sprintf("*.%s%d.example", word(), i)}
		case 18:
			r.Path, r.Hours, r.Weekdays = Any{fmt.Sprintf("/%s/*", word())}, Any{"18-23"}, Any{"sat", "sun"}
		case 19:
			r.Words, r.Device = Any{word()}, Any{"mobile"}
		}
		list[i] = r
	}
	return list
}

// productPage is a look at a product, from a search engine that still says what
// for: 400 bytes in all.
func productPage() *Page {
	p := &Page{
		Title:     []byte("Wilson Pro Staff tennis racket, 97 square inches | Racket Shop"),
		Canonical: []byte("https://www.shop.example/tennis/rackets/wilson-pro-staff-97"),
		Meta:      []byte("tennis, racket, racquet, wilson, pro staff, beginners, italy"),
		Referrer:  []byte("https://duckduckgo.com/?q=wilson+tennis+racket&t=h_&ia=web"),
		Device:    Mobile, Time: time.Date(2026, 1, 3, 20, 0, 0, 0, time.UTC),
	}
	p.SetURL([]byte("https://www.shop.example/tennis/rackets/wilson-pro-staff-97?utm_source=news&utm_medium=mail&utm_campaign=spring-17&color=red"))
	return p
}

// cartEvent puts something into the cart on that page.
func cartEvent() *Page {
	p := productPage()
	p.Event, p.Object, p.Items, p.Value, p.Currency = []byte("cart"), []byte("cart-4711"), []byte("sku-16,sku-2017,sku-36"), []byte("219.00"), []byte("EUR")
	return p
}

// BenchmarkMatch matches with more and more rules, beside the plainest loop over
// them for comparison.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 300, 3000} {
		list := shopRules(n)
		set, err := Compile(Options{}, list)
		if err != nil {
			b.Fatal(err)
		}
		plain := naive{time.UTC, defaultSearchParameters, list}
		for name, p := range map[string]*Page{"page": productPage(), "event": cartEvent()} {
			b.Run(fmt.Sprintf("rules=%d/%s", n, name), func(b *testing.B) {
				var w Scratch
				fired := 0
				b.ReportAllocs()
				for b.Loop() {
					fired = len(set.Match(p, &w))
				}
				b.ReportMetric(float64(fired), "fired")
			})
		}
		b.Run(fmt.Sprintf("rules=%d/naive", n), func(b *testing.B) {
			p := productPage()
			b.ReportAllocs()
			for b.Loop() {
				plain.match(p)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{300, 3000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			list := shopRules(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(Options{}, list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMatchAllocatesNothing holds the hot path to its word, for all that a page
// can show.
func TestMatchAllocatesNothing(t *testing.T) {
	set, err := Compile(Options{}, shopRules(300))
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*Page{"page": productPage(), "event": cartEvent()} {
		p.SetURL([]byte("https://www.shop.example/tennis/%72ackets/wilson?q=tennis+racket&color=r%65d"))
		p.Title = []byte("Тенис テニス tennis racket")
		var w Scratch
		if len(set.Match(p, &w)) == 0 {
			t.Errorf("%s: nothing fires", name)
		}
		if n := testing.AllocsPerRun(100, func() { set.Match(p, &w) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestStrangersCostLittle sees that what lies beyond the limits of a page is not
// looked at, and what lies within is.
func TestStrangersCostLittle(t *testing.T) {
	set, _ := read(t, Options{}, `
- {query: {last: "*"}, labels: a}
- {item: last, labels: a}
- {words: last, labels: a}
- {search: last, labels: a}
- {path: /*/last, labels: a}
`)
	var w Scratch
	for _, c := range []struct {
		page *Page
		want int
	}{
		{&Page{Query: []byte(strings.Repeat("a&", maxParameters-1) + "last")}, 1},
		{&Page{Query: []byte(strings.Repeat("a&", maxParameters) + "last")}, 0},
		{&Page{Items: []byte(strings.Repeat("a,", maxItems-1) + "last")}, 1},
		{&Page{Items: []byte(strings.Repeat("a,", maxItems) + "last")}, 0},
		{&Page{Title: []byte(strings.Repeat(" ", maxText-4) + "last")}, 1},
		{&Page{Title: []byte(strings.Repeat(" ", maxText) + "last")}, 0},
		{&Page{Search: []byte(strings.Repeat(" ", maxText) + "last")}, 0},
		{&Page{Referrer: []byte("https://bing.com/?" + strings.Repeat("a&", maxParameters) + "q=last")}, 0},
		{&Page{Referrer: []byte("https://bing.com/?" + strings.Repeat("a", maxText) + "&q=last")}, 0},
		{&Page{Path: []byte("/" + strings.Repeat("a", maxText) + "/last")}, 0},
	} {
		if got := set.Match(c.page, &w); len(got) != c.want {
			t.Errorf("%.60q %.60q %.60q: %v, want %d", c.page.Query, c.page.Items, c.page.Title, got, c.want)
		}
	}
}

// BenchmarkHostile matches the most expensive pages a stranger can send.
func BenchmarkHostile(b *testing.B) {
	set, err := Compile(Options{}, shopRules(3000))
	if err != nil {
		b.Fatal(err)
	}
	text := func(piece string) []byte { return []byte(strings.Repeat(piece, maxText/len(piece))) }
	for name, p := range map[string]*Page{
		"words":      {Title: text("tennis racket "), Canonical: text("tennis/"), Meta: text("shoes,")},
		"letters":    {Title: text("é"), Meta: text("テ")},
		"parameters": {Query: text("%71=a&")},
		"items":      {Items: text("s,")},
		"path":       {Path: text("/tennis")},
		"dots":       {Referrer: []byte("//" + strings.Repeat("a.", 126) + "a")},
	} {
		b.Run(name, func(b *testing.B) {
			var w Scratch
			b.ReportAllocs()
			for b.Loop() {
				set.Match(p, &w)
			}
		})
	}
}
