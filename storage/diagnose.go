package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"sosie/storage/tables"
)

// Diagnose examines a store that no process has open: first every byte of its
// files, then, if these are whole, what they say, by opening it. The errors are
// ErrLocked, fs.ErrNotExist where there is no store, and those of reading; what
// is wrong with the store is in the report. More checks are made while it is
// open.
func Diagnose(options Options, more ...func(*Store) Check) (Report, error) {
	var report Report
	who := Check{Name: "identity", Checked: identityFile}
	_, err := readIdentity(options.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, without := os.Stat(filepath.Join(options.Dir, storeDir)); without == nil {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	if errors.Is(err, ErrCorrupt) {
		who.add(doIdentify, "%v", err)
	} else if err != nil {
		return report, fmt.Errorf("examine store %s: %w", options.Dir, err)
	}
	files, err := diagnoseFiles(options.Dir)
	if err != nil {
		return report, fmt.Errorf("examine store %s: %w", options.Dir, err)
	}
	report.Checks = append(report.Checks, who, files)
	s, err := Open(options)
	switch {
	case err == nil:
		inner, err := s.Examine()
		report.Checks = append(report.Checks, inner.Checks...)
		for _, check := range more {
			report.Checks = append(report.Checks, check(s))
		}
		return report, errors.Join(err, s.Close())
	case report.OK():
		report.Checks = append(report.Checks, Check{Name: "opening", Problems: []Problem{{What: err.Error(), Do: doRestore}}})
	default:
		report.Checks = append(report.Checks, Check{Name: "contents", Skipped: "a store with damaged files is not opened, for Badger would hide the damage"})
	}
	return report, nil
}

// diagnoseFiles checks every byte of both directories.
func diagnoseFiles(dir string) (Check, error) {
	c := Check{Name: "files"}
	var sum tables.Summary
	for _, name := range []string{storeDir, logDir} {
		one, damages, err := checkDirectory(filepath.Join(dir, name), false)
		if err != nil {
			return c, err
		}
		sum.Add(one)
		for _, d := range damages {
			file := filepath.Join(name, d.File)
			if do := wayOut(file); !d.Unused || do != doRestore {
				c.add(do, "%s: %v", file, d.Err)
			} else { // a crash leaves it, and it goes when the store is opened
				c.Notes = append(c.Notes, fmt.Sprintf("%s: %v", file, d.Err))
			}
		}
	}
	c.Checked = fmt.Sprintf("%d files, %s, %s blocks of tables, %s writes", sum.Files, humanize.IBytes(uint64(sum.Bytes)), comma(sum.Blocks), comma(sum.Entries))
	return c, nil
}

func comma(n int) string { return humanize.Comma(int64(n)) }
