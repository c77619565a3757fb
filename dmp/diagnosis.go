package dmp

import (
	"fmt"
	"strings"

	"sosie/storage"
)

// Board shows the diagnosis as an aligned text that a person can paste.
func (d Diagnosis) Board() string {
	var b board
	b.line("data", "%s", d.Data)
	for _, c := range d.Checks {
		switch {
		case c.Skipped != "":
			b.line(c.Name, "not checked: %s", c.Skipped)
		case len(c.Problems) == 0:
			b.line(c.Name, "ok       %s", c.Checked)
		default:
			b.line(c.Name, "WRONG    %s", c.Checked)
			b.problems(c)
		}
		for _, note := range c.Notes {
			b.line("", "note: %s", note)
		}
	}
	if d.Running {
		b.line("note", "a server runs: it checked every byte of its files when it opened them; stop it and ask again to have them checked now")
	}
	if d.OK() {
		b.line("verdict", "healthy")
	} else {
		b.line("verdict", "NOT HEALTHY")
	}
	return b.String()
}

// problems lists what is wrong, and the way out once for all that share it.
func (b *board) problems(c storage.Check) {
	for i, p := range c.Problems {
		b.line("", "- %s", p.What)
		if i+1 == len(c.Problems) || c.Problems[i+1].Do != p.Do {
			b.line("", "  do: %s", p.Do)
		}
	}
	if c.More > 0 {
		b.line("", "- and %s more", comma(uint64(c.More)))
	}
}

// Clear reports whether nothing is left of the user but the mask of the erased.
func (f Found) Clear() bool {
	for _, t := range f.Traces {
		if !t.Mask {
			return false
		}
	}
	return len(f.Raw) == 0 && len(f.Skipped) == 0
}

// Board lists where the user stands.
func (f Found) Board() string {
	var b board
	users := make([]string, len(f.Users))
	for i, u := range f.Users {
		users[i] = fmt.Sprint(u)
	}
	if len(users) == 0 {
		users = []string{"nobody has, or had, this name"}
	}
	b.line("user", "%s: %s", f.Name, strings.Join(users, ", "))
	for _, t := range f.Traces {
		kind := "trace"
		if t.Mask {
			kind = "mask"
		}
		old := ""
		if t.Old {
			old = ", an earlier version"
		}
		b.line(kind, "%s: %s%s", t.File, t.What, old)
	}
	for _, file := range f.Raw {
		b.line("bytes", "%s: the bytes of the id", file)
	}
	for _, file := range f.Skipped {
		b.line("unread", "%s", file)
	}
	if f.Running {
		b.line("note", "a server moves the files about: only with none running is this the last word")
	}
	switch {
	case f.Clear() && len(f.Traces) > 0:
		b.line("verdict", "nothing but the mask of the erased")
	case f.Clear():
		b.line("verdict", "nothing")
	case len(f.Skipped) > 0:
		b.line("verdict", "still on disk, or in a file that cannot be read")
	default:
		b.line("verdict", "still on disk")
	}
	return b.String()
}
