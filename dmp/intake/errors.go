package intake

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrRequest means a request that cannot be carried out.
	ErrRequest = errors.New("bad request")
	// ErrInput means a file that cannot be read on: no header, cut off, packed in
	// a broken way.
	ErrInput = errors.New("bad file")
	// ErrTooManyBad means more bad lines than the request allows.
	ErrTooManyBad = errors.New("too many bad lines")
	// ErrTooManyLabels means more new labels than the request allows.
	ErrTooManyLabels = errors.New("too many new labels")
)

// BadLine is a line that is no event. Reading goes on after it.
type BadLine struct {
	// Line is the number of the line in the unpacked file, from 1.
	Line uint64 `json:"line"`
	// Reason says what is wrong. It does not repeat the line, which may name a
	// person.
	Reason string `json:"reason"`
}

// Error reads "line 7: reason".
func (b *BadLine) Error() string { return fmt.Sprintf("line %d: %s", b.Line, b.Reason) }
