package intake

import (
	"bytes"
	"strconv"
	"time"

	"sosie/storage"
)

// milliseconds and above are what a number must be to count milliseconds
// instead of seconds: as seconds it would be the year 5138, as milliseconds it
// is 1973.
const milliseconds = 100_000_000_000

// The seconds of the years 1 to 9999, which RFC 3339 can write.
const (
	firstSecond = -62_135_596_800
	lastSecond  = 253_402_300_799
)

// dayParser reads the day of a time: RFC 3339, a date, or seconds or
// milliseconds since 1970. It remembers the last one, for lines in a row often
// share it.
type dayParser struct {
	text []byte
	day  storage.Day
}

const dayReason = "the time is none: want RFC 3339, a date, or seconds or milliseconds since 1970"

// parse returns the day, or the reason why there is none.
func (p *dayParser) parse(text []byte) (storage.Day, string) {
	if len(text) > 0 && bytes.Equal(text, p.text) {
		return p.day, ""
	}
	day, ok := parseDay(bytes.TrimSpace(text))
	if !ok {
		return 0, dayReason
	}
	p.text, p.day = append(p.text[:0], text...), day
	return day, ""
}

func parseDay(text []byte) (storage.Day, bool) {
	t, ok := ParseTime(text)
	return storage.DayOf(t), ok
}

// ParseTime reads RFC 3339, a date, which is its first instant, or seconds or
// milliseconds since 1970.
func ParseTime(text []byte) (time.Time, bool) {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		if n <= -milliseconds || n >= milliseconds {
			n /= 1000
		}
		if n < firstSecond || n > lastSecond {
			return time.Time{}, false
		}
		return time.Unix(n, 0), true
	}
	if len(text) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, string(text))
		return t, err == nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	return t, err == nil
}
