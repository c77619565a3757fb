package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// csvHeader names the one column.
const csvHeader = "user\n"

// appendLine appends the line of one user.
func (f Format) appendLine(dst, name []byte) ([]byte, error) {
	if f.Lines == "csv" {
		return appendCSV(dst, name), nil
	}
	return appendNDJSON(dst, name)
}

// appendCSV writes one field after RFC 4180. An empty name is quoted too: a
// bare empty line is no record to most readers.
func appendCSV(dst, name []byte) []byte {
	if len(name) > 0 && name[0] != ' ' && name[0] != '\t' && !bytes.ContainsAny(name, "\",\r\n") {
		dst = append(dst, name...)
		return append(dst, '\n')
	}
	dst = append(dst, '"')
	for _, c := range name {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"', '\n')
}

// appendNDJSON writes one object. JSON carries text only, and a name that comes
// out changed is worse than none.
func appendNDJSON(dst, name []byte) ([]byte, error) {
	dst = append(dst, `{"user":`...)
	if ordinary(name) {
		dst = append(dst, '"')
		dst = append(dst, name...)
		dst = append(dst, '"')
	} else {
		if !utf8.Valid(name) {
			return nil, fmt.Errorf("%w: %q is not UTF-8, which NDJSON cannot carry: export to CSV", ErrName, name)
		}
		quoted, err := json.Marshal(string(name))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrName, err)
		}
		dst = append(dst, quoted...)
	}
	return append(dst, '}', '\n'), nil
}

// ordinary reports whether the name stands in JSON as it is.
func ordinary(name []byte) bool {
	for _, c := range name {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
