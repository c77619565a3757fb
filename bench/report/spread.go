// Package report shows the outcome of a benchmark: aligned tables with medians
// and spread for a person, or one JSON object for a program.
//
// A [Report] states on which machine, with which versions and settings its
// figures were measured, because a figure without them means nothing. The
// gotcha: a [Spread] of one round is only a number; compare medians of several
// alternated rounds, and only within one report.
package report

import (
	"fmt"
	"slices"
)

// Spread is what several rounds of one measurement gave.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
}

// Of summarises the rounds of a measurement; no rounds give the zero Spread.
func Of(rounds []float64) Spread {
	if len(rounds) == 0 {
		return Spread{}
	}
	s := slices.Sorted(slices.Values(rounds))
	mid := len(s) / 2
	median := s[mid]
	if len(s)%2 == 0 {
		median = (s[mid-1] + s[mid]) / 2
	}
	return Spread{Median: median, Min: s[0], Max: s[len(s)-1], Rounds: len(s)}
}

// Ratios divides round by round, which is what paired rounds are for: a slow
// moment of the machine strikes both sides of a pair.
func Ratios(rounds, floor []float64) []float64 {
	out := make([]float64, 0, len(rounds))
	for i := range min(len(rounds), len(floor)) {
		if floor[i] != 0 {
			out = append(out, rounds[i]/floor[i])
		}
	}
	return out
}

// String writes the median, and behind it the range if there was more than one
// round: `14.2 (13.9–15)`.
func (s Spread) String() string {
	if s.Rounds < 2 {
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), number(s.Min), number(s.Max))
}
