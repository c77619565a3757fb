package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvReader reads comma-separated lines under a header that names the columns
// user, label and time, in any order and among others. Fields may be quoted as
// in RFC 4180, but none may hold a line's end: neither an id nor a label does,
// and so a stray quote spoils one line and not the rest of the file, which is
// why this is not encoding/csv.
type csvReader struct {
	*lines
	user, label, time, columns int
	fields                     [][]byte
	days                       dayParser
}

func newCSV(l *lines) (*csvReader, error) {
	r := &csvReader{lines: l, user: -1, label: -1, time: -1}
	line, err := l.next()
	bad := (*BadLine)(nil)
	switch {
	case err == io.EOF:
		return nil, fmt.Errorf("read header: %w: the file is empty", ErrInput)
	case errors.As(err, &bad):
		return nil, fmt.Errorf("read header: %w: %s", ErrInput, bad.Reason)
	case err != nil:
		return nil, err
	}
	if !r.split(line) {
		return nil, fmt.Errorf("read header: %w: a quote is not closed", ErrInput)
	}
	r.columns = len(r.fields)
	for i, f := range r.fields {
		name := strings.ToLower(string(bytes.TrimSpace(f)))
		at := map[string]*int{"user": &r.user, "label": &r.label, "time": &r.time}[name]
		if at == nil {
			continue
		}
		if *at >= 0 {
			return nil, fmt.Errorf("read header: %w: column %s occurs twice", ErrInput, name)
		}
		*at = i
	}
	if r.user < 0 || r.label < 0 || r.time < 0 {
		return nil, fmt.Errorf("read header: %w: line %d names the columns: want user, label and time among them, separated by commas", ErrInput, l.n)
	}
	return r, nil
}

// Next reads one line.
func (r *csvReader) Next(e *Event) error {
	line, err := r.next()
	if err != nil {
		return err
	}
	if !r.split(line) {
		return r.bad("a quote is not closed, or text follows a closing one")
	}
	if len(r.fields) != r.columns {
		return r.bad("%d fields: the header names %d", len(r.fields), r.columns)
	}
	day, reason := r.days.parse(r.fields[r.time])
	if reason != "" {
		return r.bad("%s", reason)
	}
	*e = Event{User: r.fields[r.user], Label: r.fields[r.label], Day: day}
	return nil
}

// split cuts a line at its commas. Quoted fields are unquoted in place.
func (r *csvReader) split(line []byte) bool {
	r.fields = r.fields[:0]
	for {
		if len(line) == 0 || line[0] != '"' {
			end := bytes.IndexByte(line, ',')
			if end < 0 {
				r.fields = append(r.fields, line)
				return true
			}
			r.fields, line = append(r.fields, line[:end]), line[end+1:]
			continue
		}
		n, i := 0, 1
		for ; ; i++ {
			if i == len(line) {
				return false
			}
			if line[i] == '"' {
				if i++; i == len(line) || line[i] != '"' {
					break
				}
			}
			line[n] = line[i]
			n++
		}
		r.fields = append(r.fields, line[:n])
		if i == len(line) {
			return true
		}
		if line[i] != ',' {
			return false
		}
		line = line[i+1:]
	}
}
