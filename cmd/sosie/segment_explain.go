package main

import (
	"fmt"
	"strings"
	"time"

	"sosie/audience"
	"sosie/dmp"
)

// explain shows a plan.
type explain struct {
	Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
	JSON       bool   `name:"json" help:"Print one JSON object; times are in nanoseconds."`
}

// Help is shown by sosie segment explain --help.
func (explain) Help() string {
	return `The expression is evaluated once, on one core, and each part of the plan says how many bitmaps it read and how long it took, its parts included. Saved segments are taken apart; what narrows most cheaply comes first. A label on 30 days is up to 30 bitmaps for each 65,536 users.

  sosie segment explain 'interest/tennis on 3+ days within 30d and not bought/*'`
}

// Run prints the plan as a tree.
func (e *explain) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		found, err := engine.Explain(c, e.Expression)
		if err != nil {
			return err
		}
		return answerOf(c, e.JSON, found, found.Warnings, func(found dmp.Explanation) error {
			t := newTable("bitmaps", "time", "plan")
			planRows(t, found.Plan, 0)
			streamed := ""
			if found.Streamed > 0 {
				streamed = fmt.Sprintf(", %d days of them from disk", found.Streamed)
			}
			return c.printf("%s%s users: %s\n%d chunks of 65,536 users%s, in %s\n%s\n", t, comma(found.Users), found.Expression,
				found.Chunks, streamed, short(found.Took), trueOf(found.Stamp))
		})
	})
}

func planRows(t *table, step *audience.Step, depth int) {
	t.add(comma(uint64(step.Bitmaps)), short(step.Took), strings.Repeat("  ", depth)+step.Does)
	for _, part := range step.Of {
		planRows(t, part, depth+1)
	}
}

// short rounds a time to three digits or so.
func short(d time.Duration) string {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}
