package main

import (
	"strings"

	"sosie/audience"
	"sosie/dmp"
)

// overlap compares segments.
type overlap struct {
	Expressions []string `arg:"" name:"expression" help:"Two or more segment expressions."`
	JSON        bool     `name:"json" help:"Print one JSON object."`
}

// Help is shown by sosie segment overlap --help.
func (overlap) Help() string {
	return `Of two to four expressions it counts every intersection, of more (up to 32) the pairs. All are of the same moment, exact, and leave out opted-out and erased users.

  sosie segment overlap interest/tennis interest/golf 'bought/* within 30d'
  sosie segment overlap 'segment(buyers)' 'segment(subscribers)' --json`
}

// Run prints a line for each intersection.
func (o *overlap) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		found, err := engine.Overlap(c, o.Expressions)
		if err != nil {
			return err
		}
		return answerOf(c, o.JSON, found, found.Warnings, func(found dmp.Overlap) error {
			t := newTable("", "users", "% of the first", "expressions")
			for i, e := range found.Expressions {
				t.add(letter(i), "", "", e)
			}
			t.line()
			for _, in := range found.Intersections {
				t.add(letters(in), comma(in.Users), percent(in.Users, found.Intersections[in.Sets[0]].Users), "")
			}
			t.add("any", comma(found.Union), "", "")
			return c.printf("%s%s\n", t, trueOf(found.Stamp))
		})
	})
}

// letter names the i-th expression: A to Z, then a to f.
func letter(i int) string {
	const names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
	return names[i : i+1]
}

func letters(in audience.Intersection) string {
	var names []string
	for _, i := range in.Sets {
		names = append(names, letter(i))
	}
	return strings.Join(names, " ∧ ")
}
