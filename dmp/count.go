package dmp

import (
	"context"
	"errors"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/audience/segments"
	"sosie/storage"
	"sosie/storage/compact"
)

// answer is an expression bound to a view: the users an operation may touch.
type answer struct {
	set      audience.Set
	text     string // canonical
	warnings []string
}

// view returns a view that holds everything that was acknowledged before the
// call.
func (d *DMP) view(op permit.Operation, object string) (*storage.View, error) {
	if err := d.store.Sync(); err != nil {
		return nil, &Error{Op: op.String(), Object: object, Err: err, Hint: hintOf(err)}
	}
	return d.store.View(), nil
}

// bind reads an expression and compiles it against a fresh view.
func (d *DMP) bind(expression string, op permit.Operation) (answer, error) {
	e, err := audience.Parse(expression)
	if err != nil {
		return answer{}, expressionError(op, err)
	}
	view, err := d.view(op, expression)
	if err != nil {
		return answer{}, err
	}
	return d.compile(view, e, op)
}

// compile binds an expression to a view.
func (d *DMP) compile(view *storage.View, e audience.Expr, op permit.Operation) (answer, error) {
	set, warnings, err := audience.Compile(view, e, segments.At(view))
	if err != nil {
		return answer{}, expressionError(op, err)
	}
	return answer{set: audience.Permitted(set, view, op), text: e.String(), warnings: told(warnings)}, nil
}

// told are warnings as they cross the socket.
func told(warnings []audience.Warning) []string {
	out := make([]string, 0, len(warnings))
	for _, w := range warnings {
		out = append(out, w.String())
	}
	return out
}

// maxTries is how often a question is asked again whose view outlived days that
// it had to read from disk: midnight let them expire meanwhile.
const maxTries = 3

// again asks until the view holds, or something else is wrong.
func again(ask func() error) (err error) {
	for range maxTries {
		if err = ask(); !errors.Is(err, storage.ErrStale) {
			return err
		}
	}
	return err
}

// Count counts the users an expression means, exactly, as of the last hit that
// was acknowledged when it was asked.
func (d *DMP) Count(ctx context.Context, expression string) (out Count, err error) {
	err = again(func() error {
		a, err := d.bind(expression, permit.Count)
		if err != nil {
			return err
		}
		n, err := audience.Count(ctx, a.set)
		if err != nil {
			return &Error{Op: "count", Object: a.text, Err: err, Hint: hintOf(err)}
		}
		out = Count{Count: n, Expression: a.text, Stamp: a.set.Stamp(), Warnings: a.warnings}
		return nil
	})
	return out, err
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
		return "The answer would be wrong, so there is none. While no server runs, `sosie doctor` says what is damaged and what to do."
	case errors.Is(err, compact.ErrHeld):
		return "An export or a dump is reading: purge again when it has ended. It is tried again at midnight in any case."
	case errors.Is(err, storage.ErrStopped):
		return "Restart the server; `sosie status` says why it stopped."
	case errors.Is(err, storage.ErrFull):
		return "Free some space on the device of the data directory, or lower --reserve."
	case errors.Is(err, storage.ErrStale):
		return "Midnight let days expire in the middle of the answer: ask again."
	}
	return ""
}
