package audience

// The rules that the grammar does not hold. They are checked when text is read,
// and again when an expression is compiled, which may have been made otherwise.

// MaxDays is the largest number of days of "on K+ days".
const MaxDays = 400

// unitable reports whether the days of e can be united before a window is
// applied: a label, a prefix, or an Or of those.
func unitable(e Expr) bool {
	switch e := e.(type) {
	case *Label, *Prefix:
		return true
	case *Or:
		for _, part := range e.Parts {
			if !unitable(part) {
				return false
			}
		}
		return true
	}
	return false
}

const unitableHelp = `a label, a prefix, or a parenthesis of labels and prefixes joined by "or"`

// check refuses a window over what has no days of its own.
func (e *Within) check() error {
	if err := checkDays(e.At, e.Days, 1); err != nil {
		return err
	}
	if unitable(e.Of) {
		return nil
	}
	return errorAt(e.At, `"within" applies to %s`, unitableHelp).
		hint(`write "within" behind each label: (a within 7d and b within 7d)`)
}

// checkDays refuses a number of days that no window has.
func checkDays(at Pos, days, least int) error {
	if days < least || days > MaxWindow {
		return errorAt(at, "a window of %dd: from 1d to %dd", days, MaxWindow)
	}
	return nil
}

func (e *Frequency) check() error {
	if err := checkDays(e.At, e.Days, 0); err != nil {
		return err
	}
	switch {
	case !unitable(e.Of):
		return errorAt(e.At, `"on %d+ days" applies to %s`, e.AtLeast, unitableHelp).
			hint(`write it behind each label: (a on 3+ days and b on 3+ days)`)
	case e.AtLeast < 1 || e.AtLeast > MaxDays:
		return errorAt(e.At, "on %d+ days: from 1+ to %d+", e.AtLeast, MaxDays)
	case e.Days > 0 && e.AtLeast > e.Days:
		return errorAt(e.At, "%d days never fit into %d", e.AtLeast, e.Days)
	}
	return nil
}

func (e *Between) check() error {
	switch {
	case !unitable(e.Of):
		return errorAt(e.At, `"between" applies to %s`, unitableHelp)
	case e.From > e.To:
		return errorAt(e.At, "the days of between are the wrong way round: %s is after %s", e.From, e.To)
	}
	return nil
}

// check refuses sides that say nothing of single days.
func (e *Then) check() error {
	if err := checkDays(e.At, e.Gap, 0); err != nil {
		return err
	}
	for _, side := range []Expr{e.First, e.Second} {
		if _, chained := side.(*Then); chained {
			return errorAt(e.At, `"then" does not chain`).hint(`write (a then b) and (b then c), which says nearly the same`)
		}
		if err := checkSide(e.At, side); err != nil {
			return err
		}
	}
	return nil
}

func checkSide(at Pos, side Expr) error {
	switch side := side.(type) {
	case *Within:
		return side.check()
	case *Between:
		return side.check()
	}
	if unitable(side) {
		return nil
	}
	return errorAt(at, `both sides of "then" are a label, a prefix, or one of these with a window in parentheses`).
		hint(`(page/cart within 30d) then bought/*`)
}
