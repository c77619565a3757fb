package dmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sosie/dmp/intake"
	"sosie/pixel/rules"
	"sosie/storage"
)

// ImportRequest says what a file is and what may become of it.
type ImportRequest = intake.Request

// ImportFormat names a kind of file: csv, ndjson or access-log.
type ImportFormat = intake.Format

// The defaults of an ImportRequest, which its zero value does not mean.
const (
	DefaultMaxLabels = intake.DefaultMaxLabels
	DefaultMaxErrors = intake.DefaultMaxErrors
)

// Receipt is what became of an imported file.
type Receipt = intake.Receipt

// ImportProgress is told what of a file is durable so far. It may be nil.
type ImportProgress = func(so Receipt)

// Import brings the events of a file in. One import runs at a time; others wait
// for it. A failure is an *Error, beside the receipt of what came before it.
func (d *DMP) Import(ctx context.Context, request ImportRequest, file io.Reader, progress ImportProgress) (Receipt, error) {
	select {
	case d.importing <- struct{}{}:
		defer func() { <-d.importing }()
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
	house := intake.House{
		Store: d.store, Arrivals: d.arrivals, Dir: d.config.Data, Reserve: d.reserve(), Clock: time.Now,
		Robot: d.pixel.IsRobot, Clients: d.keys.Clients, Rules: d.pageLabels,
	}
	r, err := house.Import(ctx, request, file, progress)
	if err != nil {
		return r, importError(request, r, err)
	}
	return r, nil
}

func (d *DMP) reserve() int64 {
	if d.config.Reserve > 0 {
		return int64(d.config.Reserve)
	}
	return storage.DefaultReserve
}

// pageLabels returns what the rules of a site make of a page. Their labels were
// declared with the site; one that was deleted since is left out.
func (d *DMP) pageLabels(site string) (labels func(*rules.Page) []string, warnings []string, err error) {
	pages, ok := d.pixel.Pages(site)
	if !ok {
		return nil, nil, fmt.Errorf("%w: site %q is not in the configuration", intake.ErrRequest, site)
	}
	dictionary := d.store.Labels()
	left := map[string]bool{}
	warnings = []string{}
	for _, l := range pages.Granted() {
		if _, ok := dictionary.Lookup(l); !ok {
			left[l] = true
			warnings = append(warnings, fmt.Sprintf("a rule of site %s grants %s, which was deleted: left out", site, l))
		}
	}
	given := make([][]string, pages.Len())
	for rule := range given {
		given[rule] = slices.DeleteFunc(slices.Clone(pages.Labels(rule)), func(l string) bool { return left[l] })
	}
	var scratch rules.Scratch
	var all []string
	return func(p *rules.Page) []string {
		all = all[:0]
		for _, rule := range pages.Match(p, &scratch) {
			all = append(all, given[rule]...)
		}
		return all
	}, warnings, nil
}

// importError says what to do about an import that did not end well.
func importError(q ImportRequest, r Receipt, err error) error {
	out := &Error{Op: "import", Object: q.File, Err: err, Hint: hintOf(err)}
	again := "What came before stays; when the cause is mended, import the file again: nothing counts twice."
	switch {
	case errors.Is(err, intake.ErrRequest):
		out.Hint = "`sosie import --help` explains the options."
	case errors.Is(err, intake.ErrTooManyBad):
		lines := make([]string, 0, len(r.Errors))
		for _, bad := range r.Errors {
			lines = append(lines, bad.Error())
		}
		out.Err = caused{fmt.Errorf("%w\n  %s", err, strings.Join(lines, "\n  ")), intake.ErrTooManyBad}
		out.Hint = "Check --format, or allow more with --max-errors. " + again
	case errors.Is(err, intake.ErrTooManyLabels):
		out.Hint = "Check which column is the label; then raise --max-labels, or leave such rows out with --declared-only. " + again
	case errors.Is(err, intake.ErrInput), out.Hint != "":
		out.Hint = strings.TrimSpace(out.Hint + " " + again)
	}
	return out
}
