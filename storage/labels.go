package storage

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Label is a label's number in the dictionary: dense, given out once.
type Label uint32

// Seen is the reserved label that every recorded hit writes. The population on
// a day is the users with a Seen day in force.
const Seen Label = 0

// DefaultRetention is the number of days a label stays in force unless it says
// otherwise.
const DefaultRetention = 395

// MaxRetention is the longest retention a label may ask for, in days.
const MaxRetention = 3650

const (
	seenName     = "seen"
	sitePrefix   = "site/"
	sourcePrefix = "source/"
)

// Origin says whose observation a label is.
type Origin string

// The origins of a label.
const (
	FirstParty  Origin = "first"
	SecondParty Origin = "second"
	ThirdParty  Origin = "third"
)

// LabelSpec is what a label declares about itself.
type LabelSpec struct {
	// Name matches [a-z0-9][a-z0-9_.:/-]{0,127}.
	Name string `json:"name"`
	// Retention is the number of days a tag stays in force, 1 to MaxRetention;
	// 0 means DefaultRetention.
	Retention int `json:"retention"`
	// Origin is FirstParty when empty.
	Origin Origin `json:"origin"`
	// Provider names who supplied a second or third party label.
	Provider string `json:"provider,omitempty"`
	// Sensitive labels need a lawful basis. The mark is kept; nothing enforces it
	// yet.
	Sensitive bool `json:"sensitive,omitempty"`
	// Signed labels come only from server to server or with a signature: the
	// public pixel may not write them.
	Signed bool `json:"signed,omitempty"`
	// Uses are the uses and destinations the label may serve; empty means all.
	Uses []string `json:"uses,omitempty"`
}

// SeenName is the name of Seen.
const SeenName = seenName

// SiteName is the name of the reserved label of a site.
func SiteName(key string) string { return sitePrefix + key }

// Reserved reports whether the name is written by Sosie itself and may be
// neither declared nor imported.
func Reserved(name string) bool {
	return name == seenName || strings.HasPrefix(name, sitePrefix) || strings.HasPrefix(name, sourcePrefix)
}

// ValidLabelName reports whether name matches [a-z0-9][a-z0-9_.:/-]{0,127}.
func ValidLabelName(name string) bool {
	if len(name) == 0 || len(name) > 128 || !alphanumeric(name[0]) {
		return false
	}
	for i := 1; i < len(name); i++ {
		if c := name[i]; !alphanumeric(c) && !strings.ContainsRune("_.:/-", rune(c)) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// normal checks a specification and fills in its defaults.
func (s LabelSpec) normal() (LabelSpec, error) {
	if !ValidLabelName(s.Name) {
		return s, fmt.Errorf("declare label %q: %w: want [a-z0-9][a-z0-9_.:/-]{0,127}", s.Name, ErrBadLabel)
	}
	if s.Retention == 0 {
		s.Retention = DefaultRetention
	}
	if s.Retention < 1 || s.Retention > MaxRetention {
		return s, fmt.Errorf("declare label %s: %w: retention of %d days: want 1 to %d", s.Name, ErrBadLabel, s.Retention, MaxRetention)
	}
	switch s.Origin {
	case "":
		s.Origin = FirstParty
	case FirstParty, SecondParty, ThirdParty:
	default:
		return s, fmt.Errorf("declare label %s: %w: origin %q: want first, second or third", s.Name, ErrBadLabel, s.Origin)
	}
	return s, nil
}

func (s LabelSpec) equal(o LabelSpec) bool {
	return s.Name == o.Name && s.Retention == o.Retention && s.Origin == o.Origin && s.Provider == o.Provider &&
		s.Sensitive == o.Sensitive && s.Signed == o.Signed && slices.Equal(s.Uses, o.Uses)
}

// Labels is the dictionary at one moment. It never changes.
type Labels struct {
	specs  []LabelState
	number map[string]Label
	// deleted are the names of deleted labels, whether or not declared again.
	deleted map[string]bool
	sorted  []string // names in order, for prefixes
	// longest is the longest retention of any label, which reserved labels share.
	longest int
}

// LabelState is a label as it is kept: its specification, and the first day
// that a longer retention must not bring back.
type LabelState struct {
	LabelSpec
	// Floor is the last day that had already expired when the retention was
	// lengthened; no day up to it is ever in force again.
	Floor Day `json:"floor,omitempty"`
	// Deleted labels are never in force again. A label declared later under the
	// name is another one.
	Deleted bool `json:"deleted,omitempty"`
}

func newLabels(specs []LabelState) *Labels {
	d := &Labels{specs: specs, number: make(map[string]Label, len(specs)), deleted: map[string]bool{}, longest: DefaultRetention}
	declared := false
	for i, s := range specs {
		if s.Deleted {
			d.deleted[s.Name] = true
			continue
		}
		d.number[s.Name] = Label(i)
		d.sorted = append(d.sorted, s.Name)
		if Reserved(s.Name) {
			continue
		}
		if !declared || s.Retention > d.longest {
			d.longest, declared = s.Retention, true
		}
	}
	sort.Strings(d.sorted)
	return d
}

// Deleted reports whether the name is one of a label that was deleted and not
// declared again.
func (d *Labels) Deleted(name string) bool {
	_, lives := d.number[name]
	return d.deleted[name] && !lives
}

// Lookup returns the number of a label by its exact name, unless it is deleted.
func (d *Labels) Lookup(name string) (Label, bool) {
	l, ok := d.number[name]
	return l, ok
}

// LookupBytes is Lookup without an allocation.
func (d *Labels) LookupBytes(name []byte) (Label, bool) {
	l, ok := d.number[string(name)]
	return l, ok
}

// Site returns the reserved label of a site.
func (d *Labels) Site(key string) (Label, bool) { return d.Lookup(sitePrefix + key) }

// Source returns the reserved label of a source of imported rows.
func (d *Labels) Source(name string) (Label, bool) { return d.Lookup(sourcePrefix + name) }

// Spec returns what a label declared; for a number never given out, the zero
// value.
func (d *Labels) Spec(l Label) LabelSpec {
	if int(l) >= len(d.specs) {
		return LabelSpec{}
	}
	spec := d.specs[l].LabelSpec
	spec.Retention = d.retention(l)
	return spec
}

// State returns a label as it is kept. The retention of a reserved one follows
// from the others: see Spec.
func (d *Labels) State(l Label) LabelState { return d.specs[l] }

// Lives reports whether a label was declared and not deleted.
func (d *Labels) Lives(l Label) bool { return int(l) < len(d.specs) && !d.specs[l].Deleted }

// Len is the number of labels ever declared, reserved and deleted ones included.
func (d *Labels) Len() int { return len(d.specs) }

// Names returns all names but those deleted, in ascending order. The slice must not be changed.
func (d *Labels) Names() []string { return d.sorted }

// Prefix returns the labels whose name starts with prefix, in order of name.
func (d *Labels) Prefix(prefix string) []Label {
	var out []Label
	for i := sort.SearchStrings(d.sorted, prefix); i < len(d.sorted) && strings.HasPrefix(d.sorted[i], prefix); i++ {
		out = append(out, d.number[d.sorted[i]])
	}
	return out
}

// retention is the number of days a tag of l stays in force. Reserved labels
// are kept as long as the longest of the others.
func (d *Labels) retention(l Label) int {
	if int(l) >= len(d.specs) {
		return 0
	}
	if Reserved(d.specs[l].Name) {
		return d.longest
	}
	return d.specs[l].Retention
}

// first returns the first day of l that is in force on day d. No label is in force
// on a day on which Seen cannot be: nobody carries one without being there.
func (d *Labels) first(l Label, on Day) Day {
	if int(l) >= len(d.specs) || d.specs[l].Deleted {
		return on + 1
	}
	return max(on-Day(d.retention(l))+1, d.specs[l].Floor+1, d.specs[Seen].Floor+1)
}

// InForce reports whether a tag of l dated day is in force on another day, or
// will be: only one that has expired is not.
func (d *Labels) InForce(l Label, day, on Day) bool { return day >= d.first(l, on) }

// with returns a dictionary in which each given label is added or replaced.
func (d *Labels) with(states map[Label]LabelState) *Labels {
	specs := slices.Clone(d.specs)
	for l, s := range states {
		for int(l) >= len(specs) {
			specs = append(specs, LabelState{})
		}
		specs[l] = s
	}
	return newLabels(specs)
}
