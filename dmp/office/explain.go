package office

import (
	"context"

	"sosie/audience"
	"sosie/dmp/access"
)

// step is one part of a plan.
type step struct {
	Does    string `json:"does" doc:"What the step does, for a person."`
	Bitmaps *int   `json:"bitmaps,omitempty" doc:"How many bitmaps were read, those of its parts included. For an administrator."`
	Took    *int64 `json:"took_ns,omitempty" doc:"The time on one core, parts included. For an administrator."`
	Of      []step `json:"of" doc:"The parts, in the order they are evaluated in."`
}

// explained is an expression's plan, evaluated once.
type explained struct {
	Expression string `json:"expression"`
	Users      number `json:"users"`
	Plan       *step  `json:"plan,omitempty" doc:"Missing where a buyer may not know how many users there are: what it read would tell."`
	Took       int64  `json:"took_ns" doc:"The time on one core, parsing included."`
	TrueOf
	Warnings []string `json:"warnings"`
}

func explain(ctx context.Context, c caller, in *asked) (out explained, err error) {
	text, err := c.scoped(ctx, in.Body.Expression)
	if err != nil {
		return out, err
	}
	x, err := c.house.Explain(ctx, text)
	if err != nil {
		return out, err
	}
	out = explained{x.Expression, tell(x.Users, c.exact()), nil, x.Took.Nanoseconds(), stamped(x.Stamp), x.Warnings}
	if c.exact() || x.Users >= access.MinUsers {
		plan := stepOf(x.Plan, c.exact())
		out.Plan = &plan
	}
	return out, nil
}

// stepOf is a step as the caller may know it. What a step cost tells how many users
// it means, and a part of a large plan may mean few: a buyer sees what is done only.
func stepOf(s *audience.Step, exact bool) step {
	out := step{Does: s.Does, Of: []step{}}
	if exact {
		took := s.Took.Nanoseconds()
		out.Bitmaps, out.Took = &s.Bitmaps, &took
	}
	for _, part := range s.Of {
		out.Of = append(out.Of, stepOf(part, exact))
	}
	return out
}
