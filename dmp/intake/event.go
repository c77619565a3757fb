package intake

import (
	"fmt"

	"sosie/pixel/rules"
	"sosie/storage"
)

// Format names a kind of file.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	NDJSON    Format = "ndjson"
	AccessLog Format = "access-log"
)

// Event is one line of a file: somebody did something on a day.
type Event struct {
	// User is an external id, or the address of an access log's client.
	User []byte
	// Label is the name as the file has it; empty in an access log.
	Label []byte
	// Page is what an access log's request looked at; nil in other formats.
	Page *rules.Page
	Day  storage.Day
	// Skip says that the line is right and no event: a robot's, for instance.
	Skip bool
}

// Reader reads the events of one format.
type Reader interface {
	// Next reads one event, whose bytes are valid until the next call. The error
	// is io.EOF after the last one, a *BadLine for a line that is no event, and
	// otherwise why the file cannot be read on.
	Next(*Event) error
	// Line is the number of the line that Next read last.
	Line() uint64
}

// newReader returns the reader of a format over an unpacked file. robot tells
// robots by their agent.
func newReader(format Format, l *lines, robot func(agent []byte) bool) (Reader, error) {
	switch format {
	case CSV:
		return newCSV(l)
	case NDJSON:
		return &ndjsonReader{lines: l}, nil
	case AccessLog:
		return &accessLogReader{lines: l, robot: robot}, nil
	}
	return nil, fmt.Errorf("%w: format %q: want %s, %s or %s", ErrRequest, format, CSV, NDJSON, AccessLog)
}
