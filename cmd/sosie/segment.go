package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/dmp"
	"sosie/storage"
)

// segment holds the verbs that ask about segments, and those that keep them.
type segment struct {
	Count     count            `cmd:"" help:"Count the users an expression means, exactly."`
	Users     segmentUsers     `cmd:"" help:"List some users of an expression."`
	Overlap   overlap          `cmd:"" help:"Compare expressions: what they have in common."`
	Affinity  affinity         `cmd:"" help:"Compare an expression with every label, by lift."`
	Size      size             `cmd:"" help:"Count an expression as of each of the last days."`
	Explain   explain          `cmd:"" help:"Show how an expression is evaluated, and what each part costs."`
	Save      segmentSave      `cmd:"" help:"Keep an expression under a name."`
	List      segmentList      `cmd:"" help:"List the saved segments."`
	Show      segmentShow      `cmd:"" help:"Show a saved segment and the history of its sizes."`
	Copy      segmentCopy      `cmd:"" help:"Save a segment under a second name."`
	Rename    segmentRename    `cmd:"" help:"Rename a segment, also in those that use it."`
	Delete    segmentDelete    `cmd:"" help:"Delete a segment that no other uses and nobody reads."`
	Publish   segmentPublish   `cmd:"" help:"Let a site or a partner read who is in a segment."`
	Unpublish segmentUnpublish `cmd:"" help:"End what publish began."`
}

const languageHelp = `An expression is made of labels and of these, strongest first:

  interest/tennis                        users with the label on any day in force
  interest/*                             any label under the prefix
  seen                                   everybody
  segment(big-spenders)                  a saved segment
  interest/tennis within 7d              on one of the 7 days that end today
  interest/tennis on 3+ days within 30d  on at least 3 distinct days of them
  between(interest/tennis, 2026-10-01, 2026-10-31)
                                         on one of these days, both included
  page/cart then bought/* within 7d      bought on a later day, at most 7 days after; the
                                         order within one day is not known
  (page/cart within 30d) then bought/*   a window before "then" stands in parentheses
  not A, A and B, A or B                 strongest first: windows, then, not, and, or;
                                         parentheses as usual
  A as of 2026-11-01                     as it was on that day, from what is still held; at
                                         the end of an expression or of a parenthesis

"within" and "on 3+ days" stand behind a label, a prefix, or labels and prefixes joined by "or" in parentheses, whose days are united first; a window has 1d to 3650d, K up to 400 days. A label that equals a word of the language stands in quotes.`

// asking opens what answers, hands it to ask, and closes it.
func (c *console) asking(ask func(engine dmp.Engine) error) (err error) {
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	return ask(engine)
}

// answerOf prints an answer: as JSON, or its warnings and then what show prints.
func answerOf[A any](c *console, asJSON bool, answer A, warnings []string, show func(A) error) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(answer)
	}
	warn(c, warnings)
	return show(answer)
}

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
  sosie segment count '(interest/* or place/italy) within 7d' --json
  sosie segment count 'page/cart then bought/* within 7d as of 2026-11-01'`
}

// Run prints the count.
func (s *count) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		n, err := engine.Count(c, s.Expression)
		if err != nil {
			return err
		}
		return answerOf(c, s.JSON, n, n.Warnings, func(n dmp.Count) error {
			return c.printf("%s users: %s\n%s\n", comma(n.Count), n.Expression, trueOf(n.Stamp))
		})
	})
}

func comma(n uint64) string { return humanize.Comma(int64(n)) }

func trueOf(s storage.Stamp) string {
	return fmt.Sprintf("true of sequence %d, day %s, %s", s.Seq, s.Day, s.At.UTC().Format(time.RFC3339))
}

func warn(c *console, warnings []string) {
	for _, w := range warnings {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
}
