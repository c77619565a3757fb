package office

import (
	"context"
	"math/bits"
	"slices"

	"sosie/audience"
	"sosie/dmp/access"
)

// askedOverlap is a question about what expressions have in common.
type askedOverlap struct {
	Body struct {
		Expressions []string `json:"expressions" minItems:"2" maxItems:"32" nullable:"false"`
	}
}

// common is how many users some expressions have in common.
type common struct {
	Sets  []int  `json:"sets" doc:"The places of the expressions in the question, from 0."`
	Users number `json:"users"`
}

// overlapped is what expressions have in common.
type overlapped struct {
	Expressions   []string `json:"expressions"`
	Intersections []common `json:"intersections" doc:"Of every group of up to four expressions, of the pairs of more."`
	Union         number   `json:"union" doc:"Users of any of them."`
	TrueOf
	Warnings []string `json:"warnings"`
}

func overlap(ctx context.Context, c caller, in *askedOverlap) (out overlapped, err error) {
	texts := slices.Clone(in.Body.Expressions)
	for i := range texts {
		if texts[i], err = c.scoped(ctx, texts[i]); err != nil {
			return out, err
		}
	}
	found, err := c.house.Overlap(ctx, texts)
	if err != nil {
		return out, err
	}
	out = overlapped{found.Expressions, []common{}, tell(found.Union, true), stamped(found.Stamp), found.Warnings}
	var shown func(audience.Intersection) number
	if c.exact() {
		shown = func(x audience.Intersection) number { return tell(x.Users, true) }
	} else {
		shown, out.Union = protect(found.Intersections, found.Union)
	}
	for _, x := range found.Intersections {
		out.Intersections = append(out.Intersections, common{x.Sets, shown(x)})
	}
	return out, nil
}

// protect says how a buyer is told of intersections and of the union, so that
// neither a number under access.MinUsers nor one that follows from what is told
// leaves the house.
//
// What follows are the cells: the users in some sets of a group and not in its
// others, by inclusion and exclusion. A group with a cell of few users is withheld,
// and every larger group with it, which would bound it from below. The union, which
// would give back any one missing intersection, is told only if none is missing.
func protect(all []audience.Intersection, union uint64) (shown func(audience.Intersection) number, any number) {
	users := map[uint64]uint64{} // by the sets of a group, as bits
	for _, x := range all {
		users[groupOf(x.Sets)] = x.Users
	}
	var held []uint64
	for group := range users {
		if hasSmallCell(users, group) {
			held = append(held, group)
		}
	}
	missing := len(held) > 0
	shown = func(x audience.Intersection) number {
		group := groupOf(x.Sets)
		if x.Users >= access.MinUsers && slices.ContainsFunc(held, func(h uint64) bool { return group&h == h }) {
			return withheld()
		}
		return tell(x.Users, false)
	}
	for _, x := range all {
		missing = missing || shown(x).word != ""
	}
	if any = tell(union, false); any.word == "" && (missing || smallRest(all, users, union)) {
		any = withheld()
	}
	return shown, any
}

// hasSmallCell reports whether some users, but few, are in some sets of a group of
// two and more and not in its others.
func hasSmallCell(users map[uint64]uint64, group uint64) bool {
	if group&(group-1) == 0 {
		return false
	}
	for in := group; in > 0; in = (in - 1) & group { // every part of the group that is not empty
		var n int64
		out := group &^ in
		for more := out; ; more = (more - 1) & out {
			if bits.OnesCount64(more)%2 == 0 {
				n += int64(users[in|more])
			} else {
				n -= int64(users[in|more])
			}
			if more == 0 {
				break
			}
		}
		if n > 0 && small(uint64(n)) {
			return true
		}
	}
	return false
}

// smallRest reports whether the union has few users beyond one set or beyond two:
// where only pairs are told, cells of three sets do not show it.
func smallRest(all []audience.Intersection, users map[uint64]uint64, union uint64) bool {
	for _, x := range all {
		inside := users[groupOf(x.Sets)]
		switch len(x.Sets) {
		case 1:
		case 2:
			inside = users[1<<x.Sets[0]] + users[1<<x.Sets[1]] - inside
		default:
			continue
		}
		if small(union - inside) {
			return true
		}
	}
	return false
}

func groupOf(sets []int) (group uint64) {
	for _, s := range sets {
		group |= 1 << s
	}
	return group
}
