package rules

import (
	"fmt"
	"strings"
)

// Verdict is what became of a rule on a page.
type Verdict struct {
	// Rule is the rule's place in the list, from 0.
	Rule int
	// Name is the rule's own, perhaps empty.
	Name string
	// Labels are what the rule gives. They must not be changed.
	Labels []string
	// Fired says that all conditions were met.
	Fired bool
	// Met of Conditions were met.
	Met, Conditions int
	// Failed is the first condition that was not, in words; empty when the rule
	// fired.
	Failed string
}

// Explain returns the verdict on every rule, in their order. It allocates freely:
// it is for people, not for hits.
func (s *Set) Explain(p *Page) []Verdict {
	var w Scratch
	if len(s.rules) > 0 {
		s.look(p, &w)
	}
	list := make([]Verdict, len(s.rules))
	for i := range s.rules {
		r, v := &s.rules[i], &list[i]
		*v = Verdict{Rule: i, Name: r.name, Labels: r.labels, Conditions: len(r.conditions)}
		for _, c := range r.conditions {
			if w.conditions.has(c) {
				v.Met++
			}
		}
		failed := s.unmet(uint32(i), &w)
		if v.Fired = failed == none; !v.Fired {
			c := &s.conditions[failed]
			v.Failed = fmt.Sprintf("%s; %s", c, s.shown(c, p))
		}
	}
	return list
}

// shown says what a page shows where a condition looks.
func (s *Set) shown(c *condition, p *Page) string {
	said := func(what string, text []byte) string {
		if len(text) == 0 {
			return "there is no " + what
		}
		return fmt.Sprintf("the %s is %q", what, text)
	}
	switch c.kind {
	case byHost:
		return said("host", p.Host)
	case byPath:
		return said("path", p.Path)
	case byQuery:
		return said("query", p.Query)
	case bySearch:
		return "it was searched for neither on the site nor where the visitor came from"
	case byWords:
		return "it is not in the title, the canonical address or the meta words"
	case byReferrer:
		host, _, _ := SplitURL(p.Referrer)
		return said("referrer", host)
	case byEvent:
		if len(p.Event) == 0 {
			return "it is a page view"
		}
		return said("event", p.Event)
	case byItem:
		return said("item", []byte(strings.Trim(string(p.Object)+","+string(p.Items), ",")))
	case byValue:
		return said("value", []byte(strings.TrimSpace(string(p.Value)+" "+string(p.Currency))))
	case byDevice:
		return "the device is " + p.Device.String()
	case byHours:
		return "it is " + p.Time.In(s.zone).Format("15:04 MST")
	default:
		return "it is " + p.Time.In(s.zone).Format("Monday")
	}
}
