// Package rules turns pages and events into labels as hits arrive: a rule names
// conditions, and the labels of whoever meets them all.
//
// Compile makes one Set of all the rules of a site: an automaton for words, a
// trie for paths, tables for the rest. Match goes through a page once, whatever
// the number of rules, and allocates nothing.
//
// The invariant: what a Set answers depends on the Page alone, and nothing of the
// page is kept. Whether the labels may be written is for the caller to say.
//
// The gotcha: a rule fires on events as well as on page views, unless it says
// which events it means.
package rules

import (
	"errors"
	"fmt"

	"sosie/storage"
)

// ErrBadRule is the error of everything Compile refuses.
var ErrBadRule = errors.New("bad rule")

// The limits of a site's rules, which bound the memory of a Set.
const (
	maxRules    = 10_000
	maxSegments = 32        // of a path
	maxWords    = 128 << 10 // bytes of all the different words and phrases
	maxPattern  = 1 << 10   // bytes of one element of a condition
)

// Rule gives labels to pages and events. At least one condition is required;
// where there are several, all must be met; of a list, one element is enough.
type Rule struct {
	// Name tells the rule from others in messages; may be empty.
	Name string `yaml:"name"`
	// Host is a host of the page, www.shop.example, or all hosts under a name,
	// *.shop.example.
	Host Any `yaml:"host"`
	// Path is a page, /index.html; all pages under a folder, /shuttle/*; and
	// with a star in the middle any one folder, /shop/*/reviews. Percent-encoded
	// and plain characters are the same.
	Path Any `yaml:"path"`
	// Query are parameters of the page's address with their values, decoded; *
	// means that it is there. Each parameter must be met.
	Query map[string]Any `yaml:"query"`
	// Search are words or phrases the visitor searched for: on the site, or at a
	// search engine that the referrer shows.
	Search Any `yaml:"search"`
	// Words are words or phrases of the page's title, its canonical address and
	// its meta words. Case does not matter; a phrase is words in a row.
	Words Any `yaml:"words"`
	// Referrer is a host the visitor came from, in the form of Host.
	Referrer Any `yaml:"referrer"`
	// Event is the name of an event, [a-z0-9_-]{1,32}.
	Event Any `yaml:"event"`
	// Item is the id of an event's object or of one of its items; sku-1* is all
	// that begin with sku-1. Case matters.
	Item Any `yaml:"item"`
	// ValueAtLeast is the least value of an event: 49.90 in whatever currency the
	// site sends, or "49.90 EUR" in that one alone.
	ValueAtLeast Any `yaml:"value_at_least"`
	// Device is mobile, tablet or desktop.
	Device Any `yaml:"device"`
	// Hours are hours of the day in the site's zone: 8 is 8:00 to 8:59, 18-23 is
	// 18:00 to 23:59, 22-2 is 22:00 to 2:59.
	Hours Any `yaml:"hours"`
	// Weekdays are days in the site's zone: sat, sun, mon-fri.
	Weekdays Any `yaml:"weekdays"`
	// Labels are what the page or event is worth. Required.
	Labels Any `yaml:"labels"`
}

// Called is how messages call the rule at a place in its list, from 0: rule 3,
// or rule 3 (reviews).
func (r *Rule) Called(place int) string {
	if r.Name == "" {
		return fmt.Sprintf("rule %d", place+1)
	}
	return fmt.Sprintf("rule %d (%s)", place+1, r.Name)
}

func (r *Rule) checkLabels() error {
	if len(r.Labels) == 0 {
		return errors.New("it gives no labels")
	}
	for _, l := range r.Labels {
		if !storage.ValidLabelName(l) || storage.Reserved(l) {
			return fmt.Errorf("label %q: want [a-z0-9][a-z0-9_.:/-]{0,127}, and none that is reserved", l)
		}
	}
	return nil
}

var errNoCondition = errors.New("it has no condition: `path: /*` means every page")

// badRule is an ErrBadRule that reads as its cause alone.
type badRule struct{ error }

func (badRule) Unwrap() error { return ErrBadRule }
