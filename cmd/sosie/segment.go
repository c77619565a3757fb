package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/dmp"
)

// segment holds the verbs that ask about a segment.
type segment struct {
	Count count `cmd:"" help:"Count the users an expression means, exactly."`
}

const languageHelp = `An expression is made of labels and of these, strongest first:

  interest/tennis              users with the label on any day in force
  interest/*                   any label under the prefix
  seen                         everybody
  interest/tennis within 7d    on one of the 7 days that end today
  not A    A and B    A or B   parentheses as usual; "quotes" for odd names`

// count counts a segment.
type count struct {
	Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
	JSON       bool   `name:"json" help:"Print one JSON object; its count is the number."`
}

// Help is shown by sosie segment count --help.
func (count) Help() string {
	return languageHelp + `

The count is exact and holds every hit that was acknowledged when it was asked. Opted-out and erased users are never in it.

  sosie segment count 'interest/tennis and not bought/racket'
  sosie segment count '(interest/* or place/italy) within 7d' --json`
}

// Run prints the count.
func (s *count) Run(c *console) (err error) {
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	n, err := engine.Count(c, s.Expression)
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(c.out).Encode(n)
	}
	warn(c, n.Warnings)
	return c.printf("%s users: %s\n%s\n", humanize.Comma(int64(n.Count)), n.Expression, trueOf(n))
}

func trueOf(n dmp.Count) string {
	return fmt.Sprintf("true of sequence %d, day %s, %s", n.Seq, n.Day, n.At.UTC().Format(time.RFC3339))
}

func warn(c *console, warnings []string) {
	for _, w := range warnings {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
}
