package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sosie/dmp"
	"sosie/dmp/quality"
)

// labelList lists labels and how they are doing.
type labelList struct {
	Prefix string `help:"Only labels whose names begin so, such as interest/." placeholder:"PREFIX"`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// Help is shown by sosie label list --help.
func (labelList) Help() string {
	return `Shows for each label: its users on any day in force, its hits (a user counts once a day), the last day somebody got it, origin and retention, the rules that grant it, and the users of each of the last 30 days, today last. All of it is exact, of users who may be counted.

A label is silent when nobody has got it for a day on which it was usual, or when it is an hour later today than it ever was met first; what is usual today, a running server learns in five days. A label is doubled when yesterday or today brought more than three times the users of a usual day, the median of four weeks, and at least 50.

  sosie label list
  sosie label list --prefix interest/
  sosie label list --json | jq -r '.labels[] | select(.silent_days) | .label'`
}

// Run prints the list.
func (l *labelList) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		all, err := engine.Labels(c, l.Prefix)
		if err != nil {
			return err
		}
		if l.JSON {
			return json.NewEncoder(c.out).Encode(all)
		}
		if len(all.Labels) == 0 {
			return c.printf("no label begins with %s\n", l.Prefix)
		}
		t := newTable("label", "users", "hits", "last", "origin", "days", "last 30 days", "", "rules")
		for _, label := range all.Labels {
			last := ""
			if label.Last != 0 {
				last = label.Last.String()
			}
			t.add(label.Label, comma(label.Users), comma(label.UserDays), last, string(label.Origin), strconv.Itoa(label.Retention),
				"|"+quality.Spark(label.Days)+"|", oddity(label), strings.Join(label.Rules, ", "))
		}
		return c.printf("%s\n%s", t, labelsFoot(all))
	})
}

// oddity says what is odd about a label.
func oddity(l quality.Label) string {
	var odd []string
	if l.SilentDays > 0 {
		odd = append(odd, "silent")
	}
	if l.Doubled {
		odd = append(odd, "doubled")
	}
	return strings.Join(odd, " ")
}

// labelsFoot says what the list has to do with everybody.
func labelsFoot(all dmp.Labels) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s users, %s of them (%s %%) seen on one day only; day %s\n", comma(all.Population), comma(all.SeenOnce), percent(all.SeenOnce, all.Population), all.Day)
	for _, r := range all.Refused {
		fmt.Fprintf(&b, "%s hits or parts of hits left out since the server started: %s\n", comma(r.Count), r.Cause)
	}
	return b.String()
}
