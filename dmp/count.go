package dmp

import (
	"context"
	"errors"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/storage"
)

// answer is an expression bound to a view: the users an operation may touch.
type answer struct {
	set      audience.Set
	text     string // canonical
	warnings []string
}

// bind compiles an expression against a view that holds everything that was
// acknowledged before the call.
func (d *DMP) bind(expression string, op permit.Operation) (answer, error) {
	e, err := audience.Parse(expression)
	if err != nil {
		return answer{}, expressionError(op, err)
	}
	if err := d.store.Sync(); err != nil {
		return answer{}, &Error{Op: op.String(), Object: expression, Err: err, Hint: hintOf(err)}
	}
	view := d.store.View()
	set, warnings, err := audience.Compile(view, e, nil)
	if err != nil {
		return answer{}, expressionError(op, err)
	}
	a := answer{set: audience.Permitted(set, view, op), text: e.String(), warnings: []string{}}
	for _, w := range warnings {
		a.warnings = append(a.warnings, w.String())
	}
	return a, nil
}

// Count counts the users an expression means, exactly, as of the last hit that
// was acknowledged when it was asked.
func (d *DMP) Count(ctx context.Context, expression string) (Count, error) {
	a, err := d.bind(expression, permit.Count)
	if err != nil {
		return Count{}, err
	}
	n, err := audience.Count(ctx, a.set)
	if err != nil {
		return Count{}, &Error{Op: "count", Object: a.text, Err: err, Hint: hintOf(err)}
	}
	return Count{Count: n, Expression: a.text, Stamp: a.set.Stamp(), Warnings: a.warnings}, nil
}

// expressionError marks an author's fault, so that fronts can tell it from
// their own.
func expressionError(op permit.Operation, err error) error {
	if fault := (*audience.Error)(nil); errors.As(err, &fault) {
		err = caused{err, ErrExpression}
	}
	return &Error{Op: op.String(), Object: "expression", Err: err}
}

// hintOf is the way out of an error of the store.
func hintOf(err error) string {
	switch {
	case errors.Is(err, storage.ErrCorrupt):
		return "The answer would be wrong without the damaged block, so there is none: restore the data directory from its backup."
	case errors.Is(err, storage.ErrStopped):
		return "Restart the server; `sosie status` says why it stopped."
	case errors.Is(err, storage.ErrFull):
		return "Free some space on the device of the data directory, or lower --reserve."
	}
	return ""
}
