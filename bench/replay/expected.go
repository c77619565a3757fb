package replay

import (
	"slices"
	"strings"
)

// People is the brute force: for each host that became a user, its labels.
type People map[string]map[string]bool

// Expect works out who must have been stored after the visits were replayed by
// browsers that keep cookies. Browsers that refuse them leave nobody.
func Expect(visits []Visit, keepCookies bool) People {
	people := People{}
	if !keepCookies {
		return people
	}
	hits := map[string]int{}
	for _, v := range visits {
		hits[v.Host]++
	}
	for _, v := range visits {
		if hits[v.Host] < 2 {
			continue
		}
		if people[v.Host] == nil {
			people[v.Host] = map[string]bool{}
		}
		people[v.Host][v.Label] = true
	}
	return people
}

// Labels returns all labels of the visits in ascending order, those of hosts
// that never return included: the pixel must know them all.
func Labels(visits []Visit) []string {
	set := map[string]bool{}
	for _, v := range visits {
		set[v.Label] = true
	}
	var labels []string
	for l := range set {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	return labels
}

// Count is the number of people the condition holds for.
func (p People) Count(holds Condition) uint64 { return uint64(len(p.Hosts(holds))) }

// Hosts returns the people the condition holds for, in ascending order.
func (p People) Hosts(holds Condition) []string {
	var hosts []string
	for host, labels := range p {
		if holds(labels) {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts
}

// Condition decides on the labels of one user.
type Condition func(labels map[string]bool) bool

func has(label string) Condition {
	return func(labels map[string]bool) bool { return labels[label] }
}

func under(prefix string) Condition {
	return func(labels map[string]bool) bool {
		for l := range labels {
			if strings.HasPrefix(l, prefix) {
				return true
			}
		}
		return false
	}
}

func everyone(map[string]bool) bool { return true }

func all(of ...Condition) Condition {
	return func(labels map[string]bool) bool {
		return !slices.ContainsFunc(of, func(c Condition) bool { return !c(labels) })
	}
}

func some(of ...Condition) Condition {
	return func(labels map[string]bool) bool {
		return slices.ContainsFunc(of, func(c Condition) bool { return c(labels) })
	}
}

func no(c Condition) Condition {
	return func(labels map[string]bool) bool { return !c(labels) }
}

// Question is an expression in the segment language beside the same condition
// in plain code.
type Question struct {
	Expression string
	Holds      Condition
}

// Questions are ten expressions over the labels of a site whose pages lie in
// folders as in the NASA log. A label that the log does not have would be an
// error in the language, so check Labels first.
func Questions() []Question {
	shuttle, history, root := has("page/shuttle"), has("page/history"), has("page/root")
	return []Question{
		{"seen", everyone},
		{"page/shuttle and page/history", all(shuttle, history)},
		{"page/shuttle or page/history", some(shuttle, history)},
		{"page/shuttle and not page/history", all(shuttle, no(history))},
		{"page/root and (page/elv or page/facts) and not page/htbin", all(root, some(has("page/elv"), has("page/facts")), no(has("page/htbin")))},
		{"page/*", under("page/")},
		{"not page/root", no(root)},
		{"page/shuttle within 7d and not page/cgi-bin", all(shuttle, no(has("page/cgi-bin")))},
		{"(page/software or page/procurement or page/finance) within 7d", some(has("page/software"), has("page/procurement"), has("page/finance"))},
		{"not (page/shuttle or page/history) and not page/root or page/images", some(all(no(some(shuttle, history)), no(root)), has("page/images"))},
	}
}
