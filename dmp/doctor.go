package dmp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sosie/pixel/identity"
	"sosie/storage"
)

// Diagnosis is what a doctor found.
type Diagnosis struct {
	Data string `json:"data"`
	// Running says that a server was asked: the files were checked when it
	// opened them, and change while it runs.
	Running bool `json:"running"`
	storage.Report
}

// Examine checks the open store against itself and its keys.
func (d *DMP) Examine(context.Context) (Diagnosis, error) {
	report, err := d.store.Examine()
	if err != nil {
		return Diagnosis{}, &Error{Op: "examine", Object: d.config.Data, Err: err, Hint: hintOf(err)}
	}
	report.Checks = append(report.Checks, examineKeys(d.config.Keys, d.store))
	return Diagnosis{Data: d.config.Data, Running: true, Report: report}, nil
}

// Diagnose examines a data directory: it asks the server that runs there, or
// else checks the closed directory, every byte of it. The error is for what kept
// it from looking; what is wrong is in the diagnosis.
func Diagnose(ctx context.Context, c Config) (Diagnosis, error) {
	c = c.WithDefaults()
	client, err := Dial(ctx, c.Data)
	if err == nil {
		diagnosis, err := client.Examine(ctx)
		return diagnosis, errors.Join(err, client.Close())
	}
	if !errors.Is(err, ErrNotRunning) {
		return Diagnosis{}, err
	}
	options := storage.Options{Dir: c.Data, Memory: int64(c.Memory), Reserve: int64(c.Reserve)}
	report, err := storage.Diagnose(options, func(s *storage.Store) storage.Check { return examineKeys(c.Keys, s) })
	if err != nil {
		return Diagnosis{}, closedError("examine", c.Data, err)
	}
	return Diagnosis{Data: c.Data, Report: report}, nil
}

// closedError says what kept one from reading a data directory itself.
func closedError(op, data string, err error) error {
	out := &Error{Op: op, Object: data, Err: err, Hint: hintOf(err)}
	switch {
	case errors.Is(err, storage.ErrLocked):
		out.Err, out.Hint = caused{ErrBusy, err}, "Wait for the other command to end, or look for a server that was started by another user or in a container."
	case errors.Is(err, fs.ErrNotExist):
		out.Hint = "There is no store: say where it is with --data."
	}
	return out
}

// examineKeys checks that the keys belong to the store and that what their
// journal says was erased is.
func examineKeys(dir string, s *storage.Store) storage.Check {
	c := storage.Check{Name: "keys", Checked: dir}
	wrong := func(do, format string, args ...any) {
		c.Problems = append(c.Problems, storage.Problem{What: fmt.Sprintf(format, args...), Do: do})
	}
	if _, err := identity.OpenKeys(dir, s.ID()); err != nil {
		wrong("Restore the keys directory from its backup, or say where it is with --keys.", "%v", err)
		return c
	}
	erasures, err := identity.Erasures(dir)
	if err != nil {
		wrong("Restore the journal from a backup of the keys directory: a restored dump forgets erasures without it.", "%v", err)
		return c
	}
	left := 0
	view := s.View()
	for _, e := range erasures {
		if e.Store == s.ID() && e.Epoch == s.Epoch() && !view.Masked(storage.Erased, e.User) {
			left++
		}
	}
	c.Checked = fmt.Sprintf("%s, %d erasures journalled", dir, len(erasures))
	if left > 0 {
		wrong("Erase them again: an erasure was cut off after it was journalled.", "%d users are journalled as erased and are not", left)
	}
	return c
}
