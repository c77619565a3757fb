package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sosie/storage"
)

// survey is what must be known of a file before its first row is written.
type survey struct {
	checksum string
	last     storage.Day // of the events that do not lie in the future
	events   bool        // whether there is one
}

// read goes through the file once.
func (h *House) survey(ctx context.Context, q Request, file io.Reader, today storage.Day) (s survey, err error) {
	from, err := unpack(ctx, file)
	if err != nil {
		return s, err
	}
	defer from.close()
	r, err := newReader(q.Format, newLines(from), nil)
	if err != nil {
		return s, err
	}
	var e Event
	for {
		err := r.Next(&e)
		bad := (*BadLine)(nil)
		switch {
		case errors.As(err, &bad):
		case err == io.EOF:
			s.checksum = from.checksum()
			return s, nil
		case err != nil:
			return s, err
		case !e.Skip && e.Day <= today+1 && (!s.events || e.Day > s.last):
			s.last, s.events = e.Day, true
		}
	}
}

// shiftKind is the kind of the documents that remember shifts, by the checksum
// of the file.
const shiftKind = "shift"

// shift is the number of days a file was moved by when it first was.
type shift struct {
	Days int `json:"days"`
	// Last is the last day that the file tells of.
	Last storage.Day `json:"last_day"`
}

// shift returns by how many days to move a file: those recorded for its
// checksum, or else those from its last day to today, which are recorded before
// the first row is written.
func (h *House) shift(s survey, today storage.Day) (by storage.Day, err error) {
	err = h.Store.Documents().Edit(func(e *storage.Edit) error {
		text, err := e.Get(shiftKind, s.checksum)
		if errors.Is(err, storage.ErrNoDocument) {
			if !s.events {
				return nil
			}
			by = today - s.last
			text, err := json.Marshal(shift{Days: int(by), Last: s.last})
			if err != nil {
				return err
			}
			return e.Put(shiftKind, s.checksum, text)
		}
		if err != nil {
			return err
		}
		var known shift
		if err := json.Unmarshal(text, &known); err != nil {
			return fmt.Errorf("%w: %w", storage.ErrCorrupt, err)
		}
		by = storage.Day(known.Days)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("record the shift of file %s: %w", s.checksum, err)
	}
	return by, nil
}
