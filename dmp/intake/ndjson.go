package intake

import (
	"encoding/json"
)

// ndjsonReader reads one JSON object a line, with the members user, label and
// time; others are not looked at. An id may be a string or a whole number.
type ndjsonReader struct {
	*lines
	days dayParser
	user []byte
	name []byte
}

// Next reads one line.
func (r *ndjsonReader) Next(e *Event) error {
	line, err := r.next()
	if err != nil {
		return err
	}
	var members struct {
		User  Scalar `json:"user"`
		Label string `json:"label"`
		Time  Scalar `json:"time"`
	}
	if err := json.Unmarshal(line, &members); err != nil {
		return r.bad("it is no JSON object with user, label and time")
	}
	day, reason := r.days.parse([]byte(members.Time))
	if reason != "" {
		return r.bad("%s", reason)
	}
	r.user, r.name = append(r.user[:0], members.User...), append(r.name[:0], members.Label...)
	*e = Event{User: r.user, Label: r.name, Day: day}
	return nil
}

// Scalar is a JSON string, or a number as it is written.
type Scalar string

// UnmarshalJSON takes strings and numbers; what else there is becomes an error.
func (s *Scalar) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return json.Unmarshal(text, (*string)(s))
	}
	var n json.Number
	err := json.Unmarshal(text, &n)
	*s = Scalar(n)
	return err
}
