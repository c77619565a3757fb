package demo

import (
	"slices"
	"strings"
)

// user is one whom the pixel should tell from all others, and may count: its labels,
// and the days of each, as days ago.
type user map[string][]int

// users are all who may be counted: browsers whose cookie came back at least once,
// and members, each once.
func (p *Population) users() (all []user) {
	for i := range p.visitors {
		v := &p.visitors[i]
		switch v.kind {
		case returning, twoAtHome:
			for _, visits := range v.browsers {
				if len(visits) > 1 {
					u := user{}
					u.saw(visits)
					all = append(all, u)
				}
			}
		case member:
			if u := v.member(); len(u) > 0 {
				all = append(all, u)
			}
		}
	}
	return all
}

// saw adds what a browser brings today.
func (u user) saw(visits []visit) {
	for _, v := range visits {
		u.add("site/"+v.site, 0)
		for _, l := range v.labels {
			u.add(l, 0)
		}
	}
}

func (u user) add(label string, ago int) {
	if !slices.Contains(u[label], ago) {
		u[label] = append(u[label], ago)
	}
}

// member is all that is known of a member, from all browsers and from the past.
func (v *visitor) member() user {
	u := user{}
	for _, visits := range v.browsers {
		u.saw(visits)
	}
	for ago, done := range v.past {
		for _, p := range done {
			for _, l := range p.labels {
				u.add(l, ago)
			}
		}
	}
	return u
}

func (u user) has(label string) bool { return u.within(label, 400) > 0 }

// within is on how many of the last days the user carries a label, or any under a
// prefix that ends in a slash.
func (u user) within(label string, days int) int {
	on := map[int]bool{}
	for l, agos := range u {
		if l != label && !(strings.HasSuffix(label, "/") && strings.HasPrefix(l, label)) {
			continue
		}
		for _, ago := range agos {
			if ago < days {
				on[ago] = true
			}
		}
	}
	return len(on)
}

// then reports whether the user did one thing on some day, and another on a later
// one, at most so many days after.
func (u user) then(first, second string, gap int) bool {
	return slices.ContainsFunc(u[first], func(a int) bool {
		return slices.ContainsFunc(u[second], func(b int) bool { return b < a && a-b <= gap })
	})
}

// Expectation is an expression and the number of users it should count.
type Expectation struct {
	Expression string
	Count      uint64
}

// Expectations are expressions worth trying, and what the visitors say they
// should count.
func (p *Population) Expectations() []Expectation {
	questions := []struct {
		expression string
		in         func(u user) bool
	}{
		{"seen", func(u user) bool { return true }},
		{"interest/tennis", func(u user) bool { return u.has("interest/tennis") }},
		{"interest/tennis and not bought/racket", func(u user) bool { return u.has("interest/tennis") && !u.has("bought/racket") }},
		{"bought/* within 7d", func(u user) bool { return u.within("bought/", 7) > 0 }},
		{"page/cart and not bought/*", func(u user) bool { return u.has("page/cart") && u.within("bought/", 400) == 0 }},
		{"(place/italy or place/france) within 30d and interest/beach",
			func(u user) bool {
				return (u.within("place/italy", 30) > 0 || u.within("place/france", 30) > 0) && u.has("interest/beach")
			}},
		{"interest/tennis on 3+ days within 30d", func(u user) bool { return u.within("interest/tennis", 30) >= 3 }},
		{"club/court then club/trip within 14d", func(u user) bool { return u.then("club/court", "club/trip", 14) }},
		{"site/club", func(u user) bool { return u.has("site/club") }},
		{"site/weather", func(u user) bool { return u.has("site/weather") }},
	}
	all := p.users()
	out := make([]Expectation, len(questions))
	for i, q := range questions {
		out[i].Expression = q.expression
		for _, u := range all {
			if q.in(u) {
				out[i].Count++
			}
		}
	}
	return out
}

// Exportable is the number of users who carry a label and may be exported.
func (p *Population) Exportable(label string) (n uint64) {
	for _, u := range p.users() {
		if u.has(label) {
			n++
		}
	}
	return n
}

// Members are how many members there are, and how many of them come today.
func (p *Population) Members() (all, today int) {
	for i := range p.visitors {
		if v := &p.visitors[i]; v.kind == member {
			all++
			if len(v.browsers) > 0 {
				today++
			}
		}
	}
	return all, today
}

// MembersWith are the ids of the members who carry a label today.
func (p *Population) MembersWith(label string) (ids []string) {
	for i := range p.visitors {
		if v := &p.visitors[i]; v.kind == member && slices.Contains(v.member()[label], 0) {
			ids = append(ids, v.id)
		}
	}
	return ids
}

// Len is how many visitors there are.
func (p *Population) Len() int { return len(p.visitors) }
