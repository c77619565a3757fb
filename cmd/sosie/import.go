package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"

	"sosie/dmp"
)

// importVerb brings events in from files.
type importVerb struct {
	Files        []string         `arg:"" name:"file" help:"Files to import, plain or packed with gzip or zstd; - is standard input."`
	Format       dmp.ImportFormat `required:"" enum:"csv,ndjson,access-log" help:"What the files are: csv, ndjson or access-log." placeholder:"FORMAT"`
	IDSpace      string           `name:"id-space" help:"Whose ids the users are; required, except for access logs." placeholder:"NAME"`
	Source       string           `help:"Where the rows come from: each also writes the label source/NAME. Default: the id space." placeholder:"NAME"`
	Site         string           `help:"Site whose rules turn the pages of an access log into labels." placeholder:"KEY"`
	Consent      string           `enum:"permitted,none" default:"permitted" help:"What you declare of these users: permitted, they may be counted; or none." placeholder:"permitted|none"`
	Origin       string           `enum:"first,second,third" default:"first" help:"Party that observed the labels that are new: first, second or third." placeholder:"PARTY"`
	Provider     string           `help:"Who supplied the labels that are new." placeholder:"NAME"`
	MaxLabels    int              `name:"max-labels" default:"${max_labels}" help:"How many labels a file may declare. Default: ${default}." placeholder:"N"`
	DeclaredOnly bool             `name:"declared-only" help:"Leave out rows whose label is not declared, instead of declaring it."`
	ShiftToNow   bool             `name:"shift-to-now" help:"Move all days by the same number, so that the file's last day is today; one file only."`
	MaxErrors    uint64           `name:"max-errors" default:"${max_errors}" help:"How many bad lines are skipped before giving up. Default: ${default}." placeholder:"N"`
	Receipt      string           `help:"Write what became of each file as JSON, an object a line." placeholder:"FILE"`
}

// Help is shown by sosie import --help.
func (importVerb) Help() string {
	return `csv files begin with a header that names the columns user, label and time, in any order and among others; ndjson files hold an object with these members on each line. A time is RFC 3339, a date, or seconds or milliseconds since 1970; it counts by its UTC day. Labels are lower-cased and declared as they come. An id that nobody has in the id space makes a new user.

access-log files are in common or combined format. A GET that was answered with 2xx or 304 is a page view; other requests, and robots by their agent, are skipped. The rules of the site say which labels a page is worth, by what a line tells: path, query, time, in combined format referrer and device, and the host where the request names it; "sosie rule test --help" explains them. Clients are known by a hash of their address that is different in each log: they are neither joined with anybody nor exported, and the same client in two files is two users.

  sites:
    - key: shop
      rules:
        - path: /shuttle/*
          labels: [page/shuttle]

Each file is an import of its own. Importing it again changes no answer, also after one that was interrupted: repeat it until it ends well. The rows of a file count as they are appended, while the server runs.

Rows of tomorrow are taken, later ones are malformed, and those older than their label's retention have expired. With --shift-to-now the file is read twice; the shift is recorded with its checksum and used again, so that a repetition on another day moves nothing. What comes through a pipe is copied aside for that, to the data directory.

--consent none declares that the users may not be counted: they are in no answer until an import of the same source permits it, and all sources that said none have. What you declare is recorded with the receipt.

  sosie import --format csv --id-space crm customers.csv.gz
  sosie import --format ndjson --id-space acme --origin third --provider acme --receipt receipt.json events.ndjson.zst
  sosie import --format access-log --site shop --shift-to-now access.log
  zcat old/*.gz | sosie import --format access-log --site shop -

A day of msnbc.com from the UCI archive, one user a line, as csv:

  zcat msnbc990928.seq.gz | tr -d '\r' | awk 'NR==3 {split($0, name, " "); print "user,label,time"}
    NR>7 {for (i = 1; i <= NF; i++) print NR-7 "," name[$i] ",1999-09-28"}' |
    sosie import --format csv --id-space msnbc --shift-to-now -`
}

// Run imports one file after the other.
func (v *importVerb) Run(c *console) error {
	if v.ShiftToNow && len(v.Files) > 1 {
		return fmt.Errorf("%w: --shift-to-now would lay the last days of %d files on top of each other: import them as one, through -", errUsage, len(v.Files))
	}
	return c.asking(func(engine dmp.Engine) error { return v.all(c, engine) })
}

// all stops at the first file that does not come in whole.
func (v *importVerb) all(c *console, engine dmp.Engine) (err error) {
	var receipts []byte
	for _, path := range v.Files {
		var receipt dmp.Receipt
		if receipt, err = v.one(c, engine, path); !receipt.Begun.IsZero() {
			line, encoded := json.Marshal(receipt)
			err = errors.Join(err, encoded)
			receipts = append(append(receipts, line...), '\n')
		}
		if err != nil {
			break
		}
	}
	if v.Receipt != "" && len(receipts) > 0 {
		err = errors.Join(err, os.WriteFile(v.Receipt, receipts, 0o600))
	}
	return err
}

func (v *importVerb) one(c *console, engine dmp.Engine, path string) (dmp.Receipt, error) {
	file, size := io.ReadCloser(os.Stdin), int64(-1)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return dmp.Receipt{}, err
		}
		file = f
		if stat, err := f.Stat(); err == nil && stat.Mode().IsRegular() {
			size = stat.Size()
		}
	}
	defer file.Close()
	bar := newBar(c.err, path, size, progressbar.OptionShowBytes(true))
	begin := time.Now()
	receipt, err := engine.Import(c, v.request(path), file, func(so dmp.Receipt) { bar.bytes(so.Bytes, so.Rows) })
	bar.end()
	if err != nil {
		return receipt, err
	}
	warn(c, receipt.Warnings)
	for _, bad := range receipt.Errors {
		fmt.Fprintf(c.err, "%s: %s\n", path, bad.Error())
	}
	if n := uint64(len(receipt.Errors)); receipt.Malformed > n {
		fmt.Fprintf(c.err, "%s: and %s bad lines more\n", path, humanize.Comma(int64(receipt.Malformed-n)))
	}
	return receipt, c.printf("%s", summary(path, receipt, time.Since(begin)))
}

func (v *importVerb) request(path string) dmp.ImportRequest {
	q := dmp.ImportRequest{
		File: path, Format: v.Format, IDSpace: v.IDSpace, Source: v.Source, Site: v.Site, Consent: v.Consent,
		Provider: v.Provider, DeclaredOnly: v.DeclaredOnly, MaxLabels: v.MaxLabels, MaxErrors: v.MaxErrors, ShiftToNow: v.ShiftToNow,
	}
	if v.Origin != "first" { // the default, which an access log does not take
		q.Origin = v.Origin
	}
	return q
}

// summary is the receipt for people: what is nothing is left out.
func summary(path string, r dmp.Receipt, took time.Duration) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s of %s rows stored in %s (%s a second)\n", path, comma(r.Stored), comma(r.Rows),
		took.Round(time.Millisecond), comma(uint64(float64(r.Rows)/took.Seconds())))
	fmt.Fprintf(&out, "users       %s new, %s known\n", comma(r.UsersNew), comma(r.UsersKnown))
	line := func(n uint64, format string, args ...any) {
		if n > 0 {
			fmt.Fprintf(&out, format+"\n", args...)
		}
	}
	line(uint64(r.LabelsNew), "labels      %s new", comma(uint64(r.LabelsNew)))
	line(r.Malformed, "malformed   %s", comma(r.Malformed))
	line(r.Expired, "expired     %s", comma(r.Expired))
	line(r.Undeclared, "undeclared  %s: %s", comma(r.Undeclared), strings.Join(slices.Sorted(maps.Keys(r.UndeclaredLabels)), ", "))
	line(r.Skipped, "skipped     %s: no page views, or of robots", comma(r.Skipped))
	if r.ShiftDays != 0 {
		fmt.Fprintf(&out, "moved       %+d days\n", r.ShiftDays)
	}
	return out.String()
}
