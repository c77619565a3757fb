package dmp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/audience/segments"
	"sosie/storage"
)

// Questions are what can be asked about expressions beside their count. Every
// answer is exact and says what it is true of.
type Questions interface {
	// Explain says how an expression is evaluated, and what each part costs.
	Explain(ctx context.Context, expression string) (Explanation, error)
	// Overlap compares two to audience.MaxOverlap expressions.
	Overlap(ctx context.Context, expressions []string) (Overlap, error)
	// Affinity compares an expression with every label.
	Affinity(ctx context.Context, expression string) (Affinity, error)
	// SizeByDay counts an expression as of each of the last days, today included.
	SizeByDay(ctx context.Context, expression string, days int) (SizeByDay, error)
}

// Explanation is an expression's plan, evaluated on one core.
type Explanation struct {
	Expression string `json:"expression"` // canonical text
	audience.Explained
	Took time.Duration `json:"took_ns"` // parsing included
	storage.Stamp
	Warnings []string `json:"warnings"`
}

// Overlap is how much expressions have in common.
type Overlap struct {
	Expressions []string `json:"expressions"` // canonical texts
	// Intersections are of every group of up to four expressions, of the pairs of
	// more.
	Intersections []audience.Intersection `json:"intersections"`
	Union         uint64                  `json:"union"` // users of any of them
	storage.Stamp
	Warnings []string `json:"warnings"`
}

// Affinity is what an expression and each label have to do with each other.
type Affinity struct {
	Expression string `json:"expression"` // canonical text
	audience.Affinities
	storage.Stamp
	Warnings []string `json:"warnings"`
}

// SizeByDay is the sizes of an expression as of several days.
type SizeByDay struct {
	Expression string          `json:"expression"` // canonical text
	Sizes      []segments.Size `json:"sizes"`      // ascending by day
	storage.Stamp
	Warnings []string `json:"warnings"`
}

// MaxSizeDays is the most days SizeByDay answers for.
const MaxSizeDays = storage.MaxRetention

// Explain evaluates an expression on one core and says what each part cost.
func (d *DMP) Explain(ctx context.Context, expression string) (out Explanation, err error) {
	err = again(func() error {
		start := time.Now()
		e, err := audience.Parse(expression)
		if err != nil {
			return expressionError(permit.Count, err)
		}
		parsed := time.Since(start)
		view, err := d.view(permit.Count, expression)
		if err != nil {
			return err
		}
		start = time.Now()
		explained, warnings, err := audience.Explain(ctx, view, e, segments.At(view))
		if err != nil {
			return questionError("explain", e.String(), err)
		}
		out = Explanation{Expression: e.String(), Explained: explained, Took: parsed + time.Since(start), Stamp: view.Stamp(), Warnings: told(warnings)}
		return nil
	})
	return out, err
}

// Overlap compares expressions on one view.
func (d *DMP) Overlap(ctx context.Context, expressions []string) (out Overlap, err error) {
	if len(expressions) < 2 || len(expressions) > audience.MaxOverlap {
		return out, &Error{Op: "overlap", Object: "expressions", Err: caused{fmt.Errorf("%d of them: want 2 to %d", len(expressions), audience.MaxOverlap), ErrExpression}}
	}
	err = again(func() error {
		view, err := d.view(permit.Count, "expressions")
		if err != nil {
			return err
		}
		out = Overlap{Stamp: view.Stamp(), Warnings: []string{}}
		sets := make([]audience.Set, 0, len(expressions))
		for _, text := range expressions {
			e, err := audience.Parse(text)
			if err != nil {
				return expressionError(permit.Count, err)
			}
			a, err := d.compile(view, e, permit.Count)
			if err != nil {
				return err
			}
			sets, out.Expressions = append(sets, a.set), append(out.Expressions, a.text)
			for _, w := range a.warnings {
				out.Warnings = append(out.Warnings, fmt.Sprintf("expression %d, %s", len(sets), w))
			}
		}
		if out.Intersections, out.Union, err = audience.Overlap(ctx, sets); err != nil {
			return questionError("overlap", "expressions", err)
		}
		return nil
	})
	return out, err
}

// Affinity compares an expression with every label, of the users who may be
// counted.
func (d *DMP) Affinity(ctx context.Context, expression string) (out Affinity, err error) {
	return d.AffinityAmong(ctx, expression, "")
}

// AffinityAmong is Affinity within the users of a second expression; an empty one
// is everybody. What the first has beyond the second does not count.
func (d *DMP) AffinityAmong(ctx context.Context, expression, among string) (out Affinity, err error) {
	err = again(func() error {
		e, err := audience.Parse(expression)
		if err != nil {
			return expressionError(permit.Count, err)
		}
		view, err := d.view(permit.Count, expression)
		if err != nil {
			return err
		}
		a, err := d.compile(view, e, permit.Count)
		if err != nil {
			return err
		}
		found, err := d.affine(ctx, view, a, among)
		if err != nil {
			return questionError("compare", a.text, err)
		}
		out = Affinity{Expression: a.text, Affinities: found, Stamp: view.Stamp(), Warnings: a.warnings}
		return nil
	})
	return out, err
}

// affine compares an answer with every label, within a population.
func (d *DMP) affine(ctx context.Context, view *storage.View, a answer, among string) (audience.Affinities, error) {
	if among == "" {
		return audience.Affine(ctx, view, a.set, permit.Count)
	}
	both, err := audience.Parse("(" + a.text + ") and (" + among + ")")
	if err != nil {
		return audience.Affinities{}, err
	}
	population, err := audience.Parse(among)
	if err != nil {
		return audience.Affinities{}, err
	}
	inner, err := d.compile(view, both, permit.Count)
	if err != nil {
		return audience.Affinities{}, err
	}
	outer, err := d.compile(view, population, permit.Count)
	if err != nil {
		return audience.Affinities{}, err
	}
	return audience.AffineAmong(ctx, view, inner.set, outer.set)
}

// SizeByDay counts an expression as of each day: from the days that are still
// held, with the consent and the erasures of today.
func (d *DMP) SizeByDay(ctx context.Context, expression string, days int) (out SizeByDay, err error) {
	if days < 1 || days > MaxSizeDays {
		return out, &Error{Op: "count", Object: "days", Err: caused{fmt.Errorf("%d of them: want 1 to %d", days, MaxSizeDays), ErrExpression}}
	}
	err = again(func() error {
		e, err := audience.Parse(expression)
		if err != nil {
			return expressionError(permit.Count, err)
		}
		view, err := d.view(permit.Count, expression)
		if err != nil {
			return err
		}
		today := view.Stamp().Day
		out = SizeByDay{Expression: e.String(), Stamp: view.Stamp(), Warnings: []string{}}
		for day := today - storage.Day(days) + 1; day <= today; day++ {
			a, err := d.compile(view, &audience.AsOf{Of: e, Day: day}, permit.Count)
			if err != nil {
				return err
			}
			n, err := audience.Count(ctx, a.set)
			if err != nil {
				return questionError("count", a.text, err)
			}
			out.Sizes = append(out.Sizes, segments.Size{Day: day, Users: n})
			// Of the many days, the first that lacks something says so.
			if len(out.Warnings) == 0 {
				out.Warnings = append(out.Warnings, a.warnings...)
			}
		}
		return nil
	})
	return out, err
}

// questionError is the author's fault or the store's.
func questionError(op, object string, err error) error {
	if own, ok := err.(*Error); ok {
		return own
	}
	if fault := (*audience.Error)(nil); errors.As(err, &fault) {
		return expressionError(permit.Count, err)
	}
	return &Error{Op: op, Object: object, Err: err, Hint: hintOf(err)}
}
