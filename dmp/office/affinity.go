package office

import (
	"cmp"
	"context"
	"slices"

	"sosie/audience"
	"sosie/dmp/access"
)

// affine is what an expression and a label have to do with each other.
type affine struct {
	Label   string   `json:"label"`
	Users   number   `json:"users" doc:"Users that carry the label on any day in force."`
	Common  number   `json:"common" doc:"Those of them that the expression means."`
	OfSet   *float64 `json:"of_set" doc:"The share of the expression's users that carry the label."`
	OfLabel *float64 `json:"of_label" doc:"The share of the label's users that the expression means."`
	Lift    *float64 `json:"lift" doc:"How many times as often the label occurs among the expression's users as in the population."`
}

// affinities are those of an expression with every label.
type affinities struct {
	Expression string   `json:"expression"`
	Population number   `json:"population" doc:"All users; for a token with sites, those of the sites."`
	Set        number   `json:"set" doc:"Users that the expression means."`
	Labels     []affine `json:"labels" doc:"By lift, the highest first; then those without one, by name."`
	TrueOf
	Warnings []string `json:"warnings"`
}

func affinity(ctx context.Context, c caller, in *asked) (out affinities, err error) {
	text, err := c.scoped(ctx, in.Body.Expression)
	if err != nil {
		return out, err
	}
	among := ""
	if c.confined() {
		among = c.own().String()
	}
	found, err := c.house.AffinityAmong(ctx, text, among)
	if err != nil {
		return out, err
	}
	out = affinities{found.Expression, tell(found.Population, c.exact()), tell(found.Set, c.exact()), []affine{}, stamped(found.Stamp), found.Warnings}
	if !c.exact() && small(found.Population-found.Set) {
		out.Population = withheld()
	}
	for _, a := range found.Labels {
		if c.confined() && !c.brings(a.Label) {
			continue
		}
		if c.exact() {
			out.Labels = append(out.Labels, rowOf(a, true))
		} else {
			out.Labels = append(out.Labels, protected(a, found.Population, found.Set))
		}
	}
	if !c.exact() { // the order of what is not told would tell it
		slices.SortStableFunc(out.Labels, func(a, b affine) int {
			switch {
			case a.Lift != nil && b.Lift != nil:
				return 0
			case a.Lift == nil && b.Lift == nil:
				return cmp.Compare(a.Label, b.Label)
			case a.Lift == nil:
				return 1
			}
			return -1
		})
	}
	return out, nil
}

func rowOf(a audience.Affinity, exact bool) affine {
	return affine{a.Label, tell(a.Users, exact), tell(a.Common, exact), &a.OfSet, &a.OfLabel, &a.Lift}
}

// protected is a row as a buyer is told it. Of the four cells that a label and a
// set make of the population none that has few users may follow from it.
func protected(a audience.Affinity, population, set uint64) affine {
	row := rowOf(a, false)
	beyond := population - set - a.Users + a.Common
	few := a.Common < access.MinUsers
	if few || set < access.MinUsers || small(set-a.Common) || small(a.Users-a.Common) || small(beyond) || small(population-a.Users) {
		if !few {
			row.Common = withheld()
		}
		row.OfSet, row.OfLabel, row.Lift = nil, nil, nil
	}
	if row.Users.word == "" && small(population-a.Users) {
		row.Users = withheld()
	}
	return row
}
