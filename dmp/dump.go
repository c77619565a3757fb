package dmp

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sosie/pixel/identity"
	"sosie/storage"
	"sosie/storage/dump"
)

// DumpRequest says where to dump.
type DumpRequest struct {
	// Dir is the directory to make.
	Dir string `json:"dir"`
	// Passphrase puts the keys in, encrypted with it; empty leaves them out. It
	// has identity.MinPassphrase bytes at least.
	Passphrase string `json:"passphrase,omitempty"`
}

// Dump says what a dump holds.
type Dump struct {
	Dir   string `json:"dir"`
	Store string `json:"store"`
	Epoch uint16 `json:"epoch"`
	// Users have, or may have had, a record.
	Users uint64 `json:"users"`
	Days  int    `json:"days"`
	// Bits are the (user, label, day).
	Bits uint64 `json:"bits"`
	IDs  uint64 `json:"ids"`
	// Bytes and Files are what lies in the directory.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
	// Keys reports whether the keys are among them.
	Keys bool `json:"keys"`
	storage.Stamp
}

func dumpOf(dir string, m *dump.Manifest) Dump {
	out := Dump{
		Dir: dir, Store: m.Store.ID, Epoch: m.Store.Epoch, Users: uint64(m.Store.Count()), Bytes: m.Size(), Files: len(m.Files),
		Keys: m.Find(dump.HoldsKeys) != nil, Stamp: storage.Stamp{Seq: m.Store.Seq, Day: m.Store.Day, At: m.At},
	}
	for _, f := range m.Files {
		switch f.Holds {
		case dump.HoldsBitmaps:
			out.Days++
			out.Bits += uint64(f.Users)
		case dump.HoldsIDs:
			out.IDs += uint64(f.Rows)
		}
	}
	return out
}

// Dump writes everything into a new directory, true of one sequence, while hits
// go on.
func (d *DMP) Dump(ctx context.Context, request DumpRequest, progress Progress) (Dump, error) {
	d.dumps.Add(1)
	defer d.dumps.Done()
	o := dump.Options{Product: "sosie " + Version, Progress: progress}
	if request.Passphrase != "" {
		if err := checkPassphrase(request.Passphrase); err != nil {
			return Dump{}, err
		}
		o.Keys = func(w io.Writer) error { return identity.BackUp(w, d.config.Keys, request.Passphrase) }
	}
	if inside(request.Dir, d.config.Data) {
		return Dump{}, &Error{Op: "dump", Object: request.Dir, Err: fmt.Errorf("%w: it lies in the data directory %s", dump.ErrExists, d.config.Data),
			Hint: "A dump is for the day the data is lost: name a directory elsewhere, best on another device."}
	}
	m, err := dump.Write(ctx, d.store, request.Dir, o)
	if err != nil {
		return Dump{}, &Error{Op: "dump", Object: d.config.Data, Err: err, Hint: dumpHint(err)}
	}
	return dumpOf(request.Dir, m), nil
}

func checkPassphrase(passphrase string) error {
	if n := len(passphrase); n < identity.MinPassphrase {
		return &Error{Op: "read", Object: "passphrase", Err: caused{fmt.Errorf("it has %d characters", n), ErrPassphrase},
			Hint: fmt.Sprintf("Choose one of %d or more: who finds the file may guess as long as he likes.", identity.MinPassphrase)}
	}
	return nil
}

// CheckDump reads all of a dump and compares it with its sums.
func CheckDump(ctx context.Context, dir string, progress Progress) (Dump, error) {
	m, err := dump.Check(ctx, dir, progress)
	if err != nil {
		return Dump{}, &Error{Op: "check dump", Object: dir, Err: err, Hint: dumpHint(err)}
	}
	return dumpOf(dir, m), nil
}

func dumpHint(err error) string {
	switch {
	case errors.Is(err, dump.ErrExists):
		return "Name a directory that does not exist; remove one that a crash has left."
	case errors.Is(err, dump.ErrDamaged):
		return "Take another dump; `sha256sum -c SHA256SUMS` in the directory names every file that differs."
	case errors.Is(err, dump.ErrNoDump):
		return "Name a directory that `sosie dump` has written."
	}
	return hintOf(err)
}
