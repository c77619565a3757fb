package partner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"sosie/dmp/intake"
	"sosie/pixel/rules"
	"sosie/storage"
)

// Event is one event as a site's server sends it. Unknown members make it
// malformed, so that a slip of the pen loses no label unseen.
type Event struct {
	// User is SPACE:ID, or the value of the cookie of a visitor of the site.
	User string `json:"user"`
	// Labels are names of declared labels; at most maxLabels.
	Labels []string `json:"labels"`
	// Event is what happened, [a-z0-9_-]{1,32}; empty for a page view. It and what
	// follows it are for the site's rules, and not kept.
	Event string `json:"event"`
	// ID is what it happened to, Items what that consists of, Value its worth in
	// Currency.
	ID       intake.Scalar   `json:"id"`
	Items    []intake.Scalar `json:"items"`
	Value    json.Number     `json:"value"`
	Currency string          `json:"currency"`
	// Time is RFC 3339, a date, or seconds or milliseconds since 1970; the moment of
	// arrival when it is left out.
	Time intake.Scalar `json:"time"`

	at time.Time
}

// At is when it happened.
func (e *Event) At() time.Time { return e.at }

// page is the event as rules look at it.
func (e *Event) page() *rules.Page {
	items := make([]string, len(e.Items))
	for i, item := range e.Items {
		items[i] = string(item)
	}
	return &rules.Page{
		Event: []byte(e.Event), Object: []byte(e.ID), Items: []byte(strings.Join(items, ",")),
		Value: []byte(e.Value), Currency: []byte(e.Currency), Time: e.at,
	}
}

// maxLabels is the most labels of an event.
const maxLabels = 64

// The causes for which an event is refused, in receipts.
const (
	causeMalformed = "malformed"
	causeUser      = "user"
	causeSpace     = "space"
	causeTime      = "time"
	causeFuture    = "future"
	causeExpired   = "expired"
	causeUnknown   = "label_unknown"
	causeForbidden = "label_forbidden"
	causeExcess    = "label_excess"
	causeOptedOut  = "opted_out"
)

// parseEvent reads one event, or returns the cause why it is none. now stands for
// a time that is left out.
func parseEvent(text []byte, now time.Time) (e Event, cause string) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return e, causeMalformed
	}
	if _, err := decoder.Token(); err != io.EOF {
		return e, causeMalformed
	}
	if e.Event != "" && !rules.ValidEvent(e.Event) {
		return e, causeMalformed
	}
	if !validUser(e.User) {
		return e, causeUser
	}
	if len(e.Labels) > maxLabels {
		return e, causeExcess
	}
	e.at = now
	if e.Time != "" {
		var ok bool
		if e.at, ok = intake.ParseTime([]byte(e.Time)); !ok {
			return e, causeTime
		}
	}
	return e, ""
}

// validUser reports whether a text can name a user at all.
func validUser(ref string) bool {
	const longestSpace = 128
	return ref != "" && len(ref) <= longestSpace+1+storage.MaxExternalID && utf8.ValidString(ref) &&
		!strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// line is the text of an event, and where it stands in the batch, from 1.
type line struct {
	number int
	text   []byte
}

// The errors of a batch that cannot be read at all.
var (
	errBatch  = errors.New(`the body is no JSON object {"events":[…]}`)
	errEvents = errors.New("the batch has too many events")
)

// readArray takes {"events":[…]} apart. The error is errBatch, or errEvents beyond
// most.
func readArray(body []byte, most int) ([]line, error) {
	var members struct {
		Events []json.RawMessage `json:"events"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&members); err != nil || members.Events == nil {
		return nil, errBatch
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errBatch
	}
	if len(members.Events) > most {
		return nil, errEvents
	}
	lines := make([]line, len(members.Events))
	for i, text := range members.Events {
		lines[i] = line{i + 1, text}
	}
	return lines, nil
}

// readLines takes a body of one event a line apart. The error is errEvents beyond
// most.
func readLines(body []byte, most int) (lines []line, err error) {
	number := 0
	for text := range bytes.Lines(body) {
		number++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if len(lines) == most {
			return nil, errEvents
		}
		lines = append(lines, line{number, text})
	}
	return lines, nil
}
