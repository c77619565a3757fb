package storage

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Report is what an examination of a store found.
type Report struct {
	Checks []Check `json:"checks"`
}

// OK reports whether every check that was made found nothing.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if len(c.Problems) > 0 {
			return false
		}
	}
	return true
}

// Check is one thing that was looked at.
type Check struct {
	Name string `json:"name"`
	// Checked says how much was looked at, for people.
	Checked  string    `json:"checked"`
	Problems []Problem `json:"problems"`
	// More is how many problems there are beyond those listed.
	More int `json:"more,omitempty"`
	// Notes are worth knowing and no harm.
	Notes []string `json:"notes,omitempty"`
	// Skipped says why the check was not made.
	Skipped string `json:"skipped,omitempty"`
}

// Problem is what is wrong, and the way out.
type Problem struct {
	What string `json:"what"`
	Do   string `json:"do"`
}

// maxProblems bounds what one check lists: after that many the way out is the
// same.
const maxProblems = 20

func (c *Check) add(do, format string, args ...any) {
	if len(c.Problems) == maxProblems {
		c.More++
		return
	}
	c.Problems = append(c.Problems, Problem{What: fmt.Sprintf(format, args...), Do: do})
}

// The ways out.
const (
	doRestore  = "Move the data directory aside and restore it from the last dump; what came in since is lost, so import it again where you can."
	doRestart  = "Restart the server: what is in memory is derived from the disk again. If it comes back, report it as a bug."
	doRemove   = "Nothing of the store is kept in it: while no server runs, delete the file, and it is made anew."
	doIdentify = "Restore the file from a backup of the data directory, or all of it from the last dump: without the right epoch every cookie counts as none."
	doIDs      = "Import the ids of the space again, or restore from the last dump."
	doBug      = "Restore from the last dump, and report it as a bug: the bytes are as they were written."
)

// wayOut is what to do about a damaged file.
func wayOut(file string) string {
	switch base := filepath.Base(file); {
	case base == "DISCARD", base == "KEYREGISTRY", strings.HasSuffix(base, ".vlog"):
		return doRemove
	default:
		return doRestore
	}
}
