package office

import (
	"context"

	"sosie/audience"
	"sosie/dmp/access"
)

// step is one part of a plan.
type step struct {
	Does    string `json:"does" doc:"What the step does, for a person."`
	Bitmaps int    `json:"bitmaps" doc:"How many bitmaps were read, those of its parts included."`
	Took    int64  `json:"took_ns" doc:"The time on one core, parts included."`
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
		plan := stepOf(x.Plan)
		out.Plan = &plan
	}
	return out, nil
}

func stepOf(s *audience.Step) step {
	out := step{s.Does, s.Bitmaps, s.Took.Nanoseconds(), []step{}}
	for _, part := range s.Of {
		out.Of = append(out.Of, stepOf(part))
	}
	return out
}
