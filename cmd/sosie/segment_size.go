package main

import (
	"strings"

	"sosie/audience/segments"
	"sosie/dmp"
)

// size counts a segment day by day.
type size struct {
	Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
	By         string `help:"What to count by." enum:"day" default:"day"`
	Days       int    `help:"How many days back to go, today included." default:"30"`
	JSON       bool   `name:"json" help:"Print one JSON object."`
}

// Help is shown by sosie segment size --help.
func (size) Help() string {
	return `Each day is counted as "as of" that day: from the days that are still held, with the consent and the erasures of today. For a saved segment, sosie segment show tells what was measured on the day itself.

  sosie segment size 'interest/tennis within 7d' --by day --days 90`
}

// Run prints a line for each day.
func (s *size) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		found, err := engine.SizeByDay(c, s.Expression, s.Days)
		if err != nil {
			return err
		}
		return answerOf(c, s.JSON, found, found.Warnings, func(found dmp.SizeByDay) error {
			return c.printf("%s%s\n%s\n", sizesTable(found.Sizes), found.Expression, trueOf(found.Stamp))
		})
	})
}

// barWidth is the length of the longest bar, in characters.
const barWidth = 40

// sizesTable shows a history with a bar for each day.
func sizesTable(sizes []segments.Size) *table {
	var most uint64
	for _, s := range sizes {
		most = max(most, s.Users)
	}
	t := newTable("day", "users", "")
	for _, s := range sizes {
		length := 0
		if most > 0 {
			length = int((s.Users*barWidth + most - 1) / most)
		}
		t.add(s.Day.String(), comma(s.Users), strings.Repeat("▇", length))
	}
	return t
}
