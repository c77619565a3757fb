package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a zone means the same on a machine that has no database of zones
)

// ParseZone finds a zone by its name in the IANA database; none is UTC. The
// machine's own zone, Local, is refused: the same rules would mean something
// else on another machine.
func ParseZone(name string) (*time.Location, error) {
	if name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("zone %q: want a name of the IANA database, such as Europe/Paris", name)
}

// parseHours reads an hour or a range of hours, both ends included, as a set of
// bits.
func parseHours(text string) (hours uint32, err error) {
	from, to, ok := span(text, func(word string) (int, bool) {
		if len(word) == 0 || len(word) > 2 {
			return 0, false
		}
		h := 0
		for _, c := range word {
			if c < '0' || c > '9' {
				return 0, false
			}
			h = h*10 + int(c-'0')
		}
		return h, h < 24
	})
	if !ok {
		return 0, fmt.Errorf("hours %q: want hours from 0 to 23, such as 8, 18-23 (18:00 to 23:59) or 22-2", text)
	}
	return around(from, to, 24), nil
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseWeekdays reads a weekday or a range of them, both ends included, as a set
// of bits; the lowest is Sunday.
func parseWeekdays(text string) (days uint32, err error) {
	from, to, ok := span(strings.ToLower(text), func(word string) (int, bool) {
		d := slices.Index(weekdays, word)
		return d, d >= 0
	})
	if !ok {
		return 0, fmt.Errorf("weekdays %q: want days such as sat, or mon-fri", text)
	}
	return around(from, to, 7), nil
}

func span(text string, parse func(word string) (int, bool)) (from, to int, ok bool) {
	first, last, two := strings.Cut(text, "-")
	if from, ok = parse(first); !ok || !two {
		return from, from, ok
	}
	to, ok = parse(last)
	return from, to, ok
}

// around is the set of bits from one to another, in a circle of n.
func around(from, to, n int) (set uint32) {
	for i := from; ; i = (i + 1) % n {
		if set |= 1 << i; i == to {
			return set
		}
	}
}
