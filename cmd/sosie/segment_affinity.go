package main

import (
	"fmt"

	"sosie/audience"
	"sosie/dmp"
)

// affinity compares a segment with every label.
type affinity struct {
	Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
	Top        int    `help:"Labels to show of the highest lift, and as many of the lowest; 0 shows all." default:"20"`
	Min        uint64 `help:"Leave out labels with fewer users." default:"20"`
	JSON       bool   `name:"json" help:"Print one JSON object with every label."`
}

// Help is shown by sosie segment affinity --help.
func (affinity) Help() string {
	return `For each label: how many times as often it occurs in the segment as in the population (lift), the share of the segment that carries it, and the share of its users that are in the segment. Labels count on any day in force.

  sosie segment affinity 'bought/* within 30d'
  sosie segment affinity 'segment(buyers)' --top 0 --json`
}

// Run prints the labels, the highest lift first.
func (a *affinity) Run(c *console) error {
	if a.Top < 0 {
		return fmt.Errorf("%w: --top is %d", errUsage, a.Top)
	}
	return c.asking(func(engine dmp.Engine) error {
		found, err := engine.Affinity(c, a.Expression)
		if err != nil {
			return err
		}
		return answerOf(c, a.JSON, found, found.Warnings, a.show(c))
	})
}

func (a *affinity) show(c *console) func(dmp.Affinity) error {
	return func(found dmp.Affinity) error {
		var rows []audience.Affinity
		for _, l := range found.Labels {
			if l.Users >= a.Min {
				rows = append(rows, l)
			}
		}
		t := newTable("label", "lift", "of the segment", "of the label", "in both", "label's users")
		left := 0
		for i, l := range rows {
			if a.Top > 0 && i >= a.Top && i < len(rows)-a.Top {
				if left++; left == 1 {
					t.line()
				}
				continue
			}
			t.add(l.Label, fmt.Sprintf("%.2f", l.Lift), percent(l.Common, found.Set), percent(l.Common, l.Users), comma(l.Common), comma(l.Users))
		}
		more := ""
		if left > 0 {
			more = fmt.Sprintf("; %d labels between are not shown (--top)", left)
		}
		return c.printf("%s%s of %s users: %s%s\n%s\n", t, comma(found.Set), comma(found.Population), found.Expression, more, trueOf(found.Stamp))
	}
}
