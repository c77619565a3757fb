package storage

import (
	"fmt"
	"time"
)

// Day is a UTC day, counted from 1970-01-01. A hit belongs to the day of its
// time.
type Day int32

const dayLayout = "2006-01-02"

// DayOf returns the UTC day of t.
func DayOf(t time.Time) Day {
	seconds := t.Unix()
	day := seconds / 86400
	if seconds%86400 < 0 {
		day--
	}
	return Day(day)
}

// ParseDay reads a day written as 2006-01-02.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayLayout, s)
	if err != nil {
		return 0, fmt.Errorf("parse day %q: want YYYY-MM-DD: %w", s, err)
	}
	return DayOf(t), nil
}

// Time returns the day's first instant.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String writes the day as 2006-01-02.
func (d Day) String() string { return d.Time().Format(dayLayout) }

// MarshalText writes the day as 2006-01-02, so that JSON shows a date.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Day) UnmarshalText(text []byte) error {
	day, err := ParseDay(string(text))
	if err != nil {
		return err
	}
	*d = day
	return nil
}
