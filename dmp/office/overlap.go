package office

import (
	"context"
	"maps"
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
// others, by inclusion and exclusion. Of a group with a cell of few users everything
// but the single sets is withheld: whoever knows from the expressions, or from
// "< 20", that nobody is in two of them needs no more than the pairs. So is every
// larger group, which would bound it from below. The union, which would give back
// any one missing intersection, is told only if none is missing.
func protect(all []audience.Intersection, union uint64) (shown func(audience.Intersection) number, any number) {
	users := map[uint64]uint64{} // by the sets of a group, as bits
	for _, x := range all {
		users[groupOf(x.Sets)] = x.Users
	}
	var unsafe []uint64
	for group := range users {
		if hasSmallCell(users, group) {
			unsafe = append(unsafe, group)
		}
	}
	unsafe = append(unsafe, unsafeTriples(users)...)
	missing := len(unsafe) > 0
	shown = func(x audience.Intersection) number {
		group := groupOf(x.Sets)
		if x.Users >= access.MinUsers && slices.ContainsFunc(unsafe, func(u uint64) bool { return bits.OnesCount64(group&u) > 1 }) {
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

// unsafeTriples returns the groups of three sets whose intersection was not asked
// for, where only pairs are, and in which a cell of few users may follow all the
// same. What an expression says of two others is that some cell is empty, and this
// puts the intersection at one end of what the pairs leave open.
func unsafeTriples(users map[uint64]uint64) (groups []uint64) {
	sized := maps.Clone(users)
	for pair := range users {
		if bits.OnesCount64(pair) != 2 {
			continue
		}
		a, b := pair&-pair, pair&(pair-1)
		for c := b << 1; ; c <<= 1 { // each triple by its two lowest sets
			if _, asked := users[c]; !asked {
				break
			}
			group := pair | c
			if _, asked := users[group]; asked {
				continue
			}
			least, most := openBetween(users, a, b, c)
			for _, n := range []uint64{least, most} {
				if sized[group] = n; hasSmallCell(sized, group) {
					groups = append(groups, group)
					break
				}
			}
		}
	}
	return groups
}

// openBetween returns the fewest and the most users that three sets may have in
// common, by their pairs.
func openBetween(users map[uint64]uint64, a, b, c uint64) (least, most uint64) {
	ab, ac, bc := users[a|b], users[a|c], users[b|c]
	for _, l := range []struct{ one, other, of uint64 }{{ab, ac, users[a]}, {ab, bc, users[b]}, {ac, bc, users[c]}} {
		if both := l.one + l.other; both > l.of {
			least = max(least, both-l.of)
		}
	}
	return least, min(ab, ac, bc)
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
