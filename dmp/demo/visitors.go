package demo

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// kind is how a visitor behaves.
type kind int

const (
	returning kind = iota // keeps cookies and comes back: a user
	once                  // comes once, and stays pending
	refusing              // refuses cookies
	robot                 // says so in its agent
	private               // sends Sec-GPC: 1 always
	optingOut             // a user who turns Sec-GPC on in the end
	member                // of the club only, which has no consent yet
)

// kinds has each kind as often as it occurs among 100 visitors.
var kinds = slices.Concat(
	slices.Repeat([]kind{returning}, 76), slices.Repeat([]kind{once}, 8), slices.Repeat([]kind{refusing}, 6),
	slices.Repeat([]kind{robot}, 3), slices.Repeat([]kind{private}, 3), slices.Repeat([]kind{optingOut}, 2),
	slices.Repeat([]kind{member}, 2))

// wish is a label a taste brings, with its probability, on a site.
type wish struct {
	site, label string
	chance      float64
}

// tastes are the groups of visitors that a lookalike should find again.
var tastes = [][]wish{
	{{"news", "interest/tennis", .8}, {"news", "interest/football", .5}, {"shop", "page/cart", .4}, {"shop", "bought/racket", .35}, {"shop", "bought/ball", .2}},
	{{"news", "interest/cooking", .8}, {"news", "interest/garden", .6}, {"shop", "page/cart", .3}, {"shop", "bought/pan", .3}},
	{{"news", "interest/travel", .8}, {"news", "place/italy", .5}, {"news", "place/france", .4}, {"shop", "page/cart", .2}, {"shop", "bought/suitcase", .2}},
	{{"news", "interest/cinema", .7}, {"news", "place/germany", .3}, {"news", "interest/football", .2}},
}

// noise is what any visitor may bring.
var noise = []wish{
	{"news", "interest/tennis", .05}, {"news", "interest/cinema", .1}, {"news", "interest/travel", .05},
	{"news", "place/italy", .08}, {"news", "place/germany", .08}, {"shop", "page/cart", .05},
}

// visit is one hit.
type visit struct {
	site   string
	labels []string
	gpc    bool
}

// visitor is one browser and all it will do, in order.
type visitor struct {
	kind   kind
	visits []visit
}

// visitors makes up n of them; the same seed makes the same.
func visitors(n int, seed uint64) []visitor {
	random := rand.New(rand.NewPCG(seed, 0x736f736965))
	all := make([]visitor, n)
	for i := range all {
		v := &all[i]
		v.kind = kinds[random.IntN(len(kinds))]
		for _, w := range slices.Concat(tastes[random.IntN(len(tastes))], noise) {
			if random.Float64() < w.chance {
				v.visits = append(v.visits, visit{site: w.site, labels: []string{w.label}})
			}
		}
		// Everybody looks at some page that says nothing of them, most twice.
		for range 1 + random.IntN(2) {
			v.visits = append(v.visits, visit{site: "news"})
		}
		random.Shuffle(len(v.visits), func(a, b int) { v.visits[a], v.visits[b] = v.visits[b], v.visits[a] })
		v.behave()
	}
	return all
}

// behave bends the visits to the kind.
func (v *visitor) behave() {
	switch v.kind {
	case once:
		v.visits = v.visits[:1]
	case private:
		for i := range v.visits {
			v.visits[i].gpc = true
		}
	case optingOut:
		v.visits = append(v.visits, visit{site: "news"}, visit{site: "news", gpc: true})
	case member:
		for i := range v.visits {
			v.visits[i].site = "club"
		}
	}
}

// counts reports whether the visitor is a user who may be counted: one whose
// cookie came back at least once.
func (v *visitor) counts() bool { return v.kind == returning && len(v.visits) > 1 }

func (v *visitor) has(label string) bool {
	return slices.ContainsFunc(v.visits, func(x visit) bool { return slices.Contains(x.labels, label) })
}

func (v *visitor) hasUnder(prefix string) bool {
	return slices.ContainsFunc(v.visits, func(x visit) bool {
		return slices.ContainsFunc(x.labels, func(l string) bool { return strings.HasPrefix(l, prefix) })
	})
}
