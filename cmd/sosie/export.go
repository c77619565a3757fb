package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/audience/export"
	"sosie/dmp"
)

// exportVerb writes a segment to a file.
type exportVerb struct {
	Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
	Out        string `required:"" help:"File to write: .csv, .ndjson or .jsonl, and .gz or .zst behind it to compress; - is CSV on standard output." placeholder:"FILE"`
	IDSpace    string `name:"id-space" help:"Name users by their ids in this space. Default: the pseudonyms of the partner file, which no other partner shares." placeholder:"NAME"`
}

// Help is shown by sosie export --help.
func (exportVerb) Help() string {
	return `The file is written aside and takes its name when it is complete: half an export is never seen. Opted-out and erased users and robots are left out. The cookie's value never leaves the browser: a pseudonym names the same user in every export, and means nothing elsewhere.

` + languageHelp + `

  sosie export 'interest/tennis within 30d' --out tennis.csv
  sosie export 'bought/*' --out buyers.ndjson.zst --id-space crm`
}

// Run writes the file.
func (e *exportVerb) Run(c *console) (err error) {
	if _, err := export.FormatOf(e.Out); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	file, err := export.Create(e.Out)
	if err != nil {
		return err
	}
	defer file.Abort()
	begin := time.Now()
	bar := newBar(c.err, "export", 1)
	result, err := engine.Export(c, dmp.ExportRequest{Expression: e.Expression, IDSpace: e.IDSpace}, file, bar.chunks)
	bar.end()
	if err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return err
	}
	warn(c, result.Warnings)
	nameless := ""
	if result.Nameless > 0 {
		nameless = fmt.Sprintf(", %s of them without an id in %s", humanize.Comma(int64(result.Nameless)), e.IDSpace)
	}
	_, err = fmt.Fprintf(c.err, "%s names of %s users%s in %s (%s), true of sequence %d, day %s, in %s\n",
		humanize.Comma(int64(result.Names)), humanize.Comma(int64(result.Users)), nameless, e.Out, file.Format(),
		result.Seq, result.Day, time.Since(begin).Round(time.Millisecond))
	return err
}
