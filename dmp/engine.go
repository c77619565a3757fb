package dmp

import (
	"context"
	"errors"
	"io"
	"time"

	"sosie/audience/export"
	"sosie/storage"
)

// Engine answers questions about one data directory: a *DMP that has it open,
// or a *Client of the process that has.
type Engine interface {
	// Count counts the users an expression means, exactly.
	Count(ctx context.Context, expression string) (Count, error)
	Questions
	Shelf
	Tokens
	// Export writes a name of each user to a writer. Only a nil error means that
	// the writer has everything.
	Export(ctx context.Context, request ExportRequest, to export.Writer, progress Progress) (Export, error)
	// Import brings the events of a file in. Only a nil error means that all of it
	// is durable and shows in answers; what came before an error stays, and
	// importing the file again changes nothing twice.
	Import(ctx context.Context, request ImportRequest, file io.Reader, progress ImportProgress) (Receipt, error)
	// Dump writes everything into a directory on the machine of the engine.
	Dump(ctx context.Context, request DumpRequest, progress Progress) (Dump, error)
	// Labels lists the labels whose names begin with a prefix, and how they are
	// doing.
	Labels(ctx context.Context, prefix string) (Labels, error)
	// DeleteLabel ends a label: nobody carries it any more, and what names it goes on
	// with a warning.
	DeleteLabel(ctx context.Context, name string) error
	// Status says how the house is doing.
	Status(ctx context.Context) (Status, error)
	// ConfirmClock says that a jump of the clock that Status warns of is right, so
	// that deletion by retention goes on.
	ConfirmClock(ctx context.Context) error
	// Erase takes users out of every answer.
	Erase(ctx context.Context, request EraseRequest) (Erasure, error)
	// Purge takes what the disk still holds of erased users off it.
	Purge(ctx context.Context) error
	// Examine checks the open store against itself. What to use where the store
	// may not open is Diagnose.
	Examine(ctx context.Context) (Diagnosis, error)
	// Find says where on disk a user still stands.
	Find(ctx context.Context, name string) (Found, error)
	// Close lets go of the directory or the connection.
	Close() error
}

// Progress is told how far an export is: chunks done of total, and the users
// so far. It may be nil.
type Progress = func(done, total int, users uint64)

// Count is the answer to a count: the number, what was counted, and what it is
// true of.
type Count struct {
	Count      uint64 `json:"count"`
	Expression string `json:"expression"` // canonical text
	storage.Stamp
	Warnings []string `json:"warnings"`
}

// ExportRequest says whom to export, and by which names.
type ExportRequest struct {
	Expression string `json:"expression"`
	// IDSpace names users by their ids in that space; empty means the pseudonym
	// of the partner "file".
	IDSpace string `json:"id_space,omitempty"`
}

// Export says what an export wrote.
type Export struct {
	Users      uint64 `json:"users"`      // users who may be exported
	Names      uint64 `json:"names"`      // lines written; a user may have several names
	Nameless   uint64 `json:"nameless"`   // users without an id in the id space
	Expression string `json:"expression"` // canonical text
	storage.Stamp
	Warnings []string `json:"warnings"`
}

// patience is how long Reach waits for a process that holds the directory and
// does not answer yet: one that starts, or another command about to end.
var patience = defaultPatience

const defaultPatience = 5 * time.Second

// Reach returns what answers for the configuration's data directory: the server
// that runs on it, or else the store, opened here. The error is ErrBusy when
// another process holds the directory and does not answer.
func Reach(ctx context.Context, c Config) (Engine, error) {
	c = c.WithDefaults()
	deadline := time.Now().Add(patience)
	for {
		client, err := Dial(ctx, c.Data)
		if err == nil {
			return client, nil
		}
		if !errors.Is(err, ErrNotRunning) {
			return nil, err
		}
		d, err := Open(c)
		if err == nil {
			return d, nil
		}
		if !errors.Is(err, storage.ErrLocked) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, &Error{Op: "reach", Object: c.Data, Err: ErrBusy,
				Hint: "Wait for the other command to end, or look for a server that was started by another user or in a container."}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
