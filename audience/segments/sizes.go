package segments

import (
	"encoding/json"
	"errors"
	"fmt"

	"sosie/storage"
)

// maxSizes is how many points a history keeps: ten years of days.
const maxSizes = 3653

// Size is how many users a segment had on a day.
type Size struct {
	Day   storage.Day `json:"day"`
	Users uint64      `json:"users"`
}

// Sizes returns the history of a segment's sizes, one point a day, ascending.
// Days on which nobody measured have none. The error is ErrUnknown.
func (s *Shelf) Sizes(name string) ([]Size, error) {
	if _, err := s.Get(name); err != nil {
		return nil, err
	}
	return sizes(s.documents, name)
}

// Measured adds a point to the history of each segment given; a later one of
// the same day takes the earlier one's place. Segments that are gone meanwhile
// are passed over.
func (s *Shelf) Measured(day storage.Day, users map[string]uint64) error {
	for name, n := range users { // one edit each: histories are long
		err := s.documents.Edit(func(edit *storage.Edit) error { return measured(edit, name, Size{Day: day, Users: n}) })
		if err != nil {
			return fmt.Errorf("record size of segment %s: %w", name, err)
		}
	}
	return nil
}

func measured(edit *storage.Edit, name string, point Size) error {
	if _, err := get(edit, name); errors.Is(err, ErrUnknown) {
		return nil
	}
	history, err := sizes(edit, name)
	if err != nil {
		return err
	}
	if last := len(history) - 1; last >= 0 && history[last].Day >= point.Day {
		if history[last].Day > point.Day || history[last] == point {
			return nil // the clock went back, or nothing is new
		}
		history = history[:last]
	}
	history = append(history, point)
	return put(edit, KindSizes, name, history[max(0, len(history)-maxSizes):])
}

func sizes(from source, name string) (history []Size, err error) {
	value, err := from.Get(KindSizes, name)
	if errors.Is(err, storage.ErrNoDocument) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(value, &history)
	}
	if err != nil {
		return nil, fmt.Errorf("read sizes of segment %s: %w", name, err)
	}
	return history, nil
}

// forgetSizes removes the history of a segment, if it has one.
func forgetSizes(edit *storage.Edit, name string) error {
	if _, err := edit.Get(KindSizes, name); err != nil {
		if errors.Is(err, storage.ErrNoDocument) {
			return nil
		}
		return err
	}
	return edit.Delete(KindSizes, name)
}
