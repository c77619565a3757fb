package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kind is a kind of condition. They stand in the order of how few pages usually
// meet one: a rule is looked at only when its condition of the first kind is met.
type kind uint8

const (
	byItem kind = iota
	bySearch
	byWords
	byQuery
	byPath
	byEvent
	byReferrer
	byValue
	byHost
	byHours
	byWeekdays
	byDevice
)

// condition is one condition of a rule, and of every other rule that has the
// same.
type condition struct {
	kind      kind
	parameter string // of byQuery
	any       []string
}

// conditions takes a rule apart, in the order of its fields.
func (r *Rule) conditions() []condition {
	var list []condition
	add := func(k kind, parameter string, any Any) {
		if any != nil {
			list = append(list, condition{k, parameter, any})
		}
	}
	add(byHost, "", r.Host)
	add(byPath, "", r.Path)
	for _, parameter := range slices.Sorted(maps.Keys(r.Query)) {
		add(byQuery, parameter, append(Any{}, r.Query[parameter]...))
	}
	add(bySearch, "", r.Search)
	add(byWords, "", r.Words)
	add(byReferrer, "", r.Referrer)
	add(byEvent, "", r.Event)
	add(byItem, "", r.Item)
	add(byValue, "", r.ValueAtLeast)
	add(byDevice, "", r.Device)
	add(byHours, "", r.Hours)
	add(byWeekdays, "", r.Weekdays)
	return list
}

// key is the same for conditions that are the same.
func (c *condition) key() string {
	any := slices.Clone(c.any)
	slices.Sort(any)
	return fmt.Sprintf("%d %q %q", c.kind, c.parameter, slices.Compact(any))
}

var kindNames = [...]string{
	byItem: "item", bySearch: "search", byWords: "words", byQuery: "query", byPath: "path", byEvent: "event",
	byReferrer: "referrer", byValue: "value_at_least", byHost: "host", byHours: "hours", byWeekdays: "weekdays", byDevice: "device",
}

// String reads as the condition does in YAML: path: /a or /b.
func (c *condition) String() string {
	name := kindNames[c.kind]
	if c.kind == byQuery {
		name += " " + c.parameter
	}
	return name + ": " + strings.Join(c.any, " or ")
}

// Conditions are the conditions of a rule in words, in the order of its fields.
func (r *Rule) Conditions() []string {
	var list []string
	for _, c := range r.conditions() {
		list = append(list, c.String())
	}
	return list
}
