package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"sosie/storage"
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
	unasked               // of the weather only, which has no consent yet
	twoAtHome             // has two browsers, and is two users
	member                // of the club, signed in with one browser or two: one user
	kindsInAll
)

// kinds has each kind as often as it occurs among 100 visitors.
var kinds = slices.Concat(
	slices.Repeat([]kind{returning}, 52), slices.Repeat([]kind{twoAtHome}, 6), slices.Repeat([]kind{member}, 18),
	slices.Repeat([]kind{once}, 8), slices.Repeat([]kind{refusing}, 6), slices.Repeat([]kind{robot}, 3),
	slices.Repeat([]kind{private}, 3), slices.Repeat([]kind{optingOut}, 2), slices.Repeat([]kind{unasked}, 2))

// visit is one hit.
type visit struct {
	*page
	gpc bool
}

// visitor is one person and all that happens today, in order, in each of the
// browsers, and before today at the club.
type visitor struct {
	kind     kind
	id       string // of a member
	browsers [][]visit
	past     map[int][]*page // by days ago
}

// Weeks is how far back the history of the club's members goes.
const Weeks = 5

// DefaultUsers is how many visitors a Population has unless it is told.
const DefaultUsers = 3000

// Population is everybody who will come.
type Population struct {
	visitors []visitor
	today    storage.Day
}

// NewPopulation makes up n visitors of a day, DefaultUsers where n is 0. The same
// seed makes the same.
func NewPopulation(n int, seed uint64, today time.Time) *Population {
	if n == 0 {
		n = DefaultUsers
	}
	random := rand.New(rand.NewPCG(seed, 0x736f736965))
	p := &Population{visitors: make([]visitor, n), today: storage.DayOf(today)}
	for i := range p.visitors {
		p.visitors[i] = p.visitor(random, i)
	}
	return p
}

func (p *Population) visitor(random *rand.Rand, i int) visitor {
	v := visitor{kind: kinds[random.IntN(len(kinds))]}
	t := tastes[random.IntN(len(tastes))]
	v.browsers = [][]visit{look(random, t)}
	switch v.kind {
	case once:
		v.browsers[0] = v.browsers[0][:1]
	case private:
		for i := range v.browsers[0] {
			v.browsers[0][i].gpc = true
		}
	case optingOut:
		v.browsers[0] = append(v.browsers[0], visit{page: pages["front page"]}, visit{page: pages["front page"], gpc: true})
	case unasked:
		for i := range v.browsers[0] {
			v.browsers[0][i].page = pages["weather tomorrow"]
		}
	case twoAtHome:
		v.browsers = append(v.browsers, look(random, t))
	case member:
		v.id = fmt.Sprintf("m-%06d", i+1)
		v.attend(random, t, p.today)
	}
	return v
}

// look makes up what a browser looks at today.
func look(random *rand.Rand, t taste) []visit {
	var visits []visit
	for _, w := range slices.Concat(t.wishes, noise) {
		if random.Float64() < w.chance {
			visits = append(visits, visit{page: pages[w.page]})
		}
	}
	// Everybody looks at some page that says nothing of them, most twice.
	for range 1 + random.IntN(2) {
		visits = append(visits, visit{page: pages["front page"]})
	}
	random.Shuffle(len(visits), func(a, b int) { visits[a], visits[b] = visits[b], visits[a] })
	return visits
}

// attend makes up a member's weeks: at the club alone, with the rhythm of the taste,
// today from one browser or two, or not at all.
func (v *visitor) attend(random *rand.Rand, t taste, today storage.Day) {
	v.past, v.browsers = map[int][]*page{}, nil
	eager := .05 + .25*random.Float64()
	done := func() []*page {
		all := []*page{pages["club's notice"]}
		if random.Float64() < .7 {
			all = append(all, pages[t.club])
		}
		if random.Float64() < .1 {
			all = append(all, pages[tastes[random.IntN(len(tastes))].club])
		}
		return all
	}
	for ago := 1; ago <= 7*Weeks; ago++ {
		chance := eager
		if day := (today - storage.Day(ago)).Time().Weekday(); day == time.Saturday || day == time.Sunday {
			chance *= t.weekend
		}
		if random.Float64() < chance {
			v.past[ago] = done()
		}
	}
	for range random.IntN(3) {
		var visits []visit
		for _, p := range done() {
			visits = append(visits, visit{page: p})
		}
		v.browsers = append(v.browsers, visits)
	}
}
