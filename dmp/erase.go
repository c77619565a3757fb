package dmp

import (
	"context"
	"errors"
	"math"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// EraseRequest says whom to erase.
type EraseRequest struct {
	// Names are users as an operator knows them: SPACE:ID, or the pseudonym of
	// the partner "file".
	Names []string `json:"names"`
	// DryRun only says whom it would be.
	DryRun bool `json:"dry_run,omitempty"`
}

// Erasure is what became of a request to erase.
type Erasure struct {
	// Names are in the order of the request.
	Names []ErasedName `json:"names"`
	// Users is how many were erased, or would be; those erased before are not
	// among them.
	Users int `json:"users"`
	storage.Stamp
}

// ErasedName is what one name meant.
type ErasedName struct {
	Name  string `json:"name"`
	Users int    `json:"users"`
	// Failure is why no user was found; empty when one was.
	Failure string `json:"failure,omitempty"`
}

// everyDump is the sequence of journalled erasures. A dump must apply those that
// it does not hold, whose sequence is above its own; but the sequence of a mask
// is known only when it is in the log, and the journal must be first, or a crash
// between the two could let a restore bring an erased user back. Erasing twice
// changes nothing, so every dump applies them all.
const everyDump = math.MaxUint64

// Erase takes users out of every answer. When it returns no count, export or
// look-up holds them; what the disk has of them leaves with the next Purge. Names
// that mean nobody do not keep it from erasing the others.
//
// The order is durable: the journal beside the keys first, so that no restore
// forgets, then the log. What has to be told elsewhere of those who leave belongs
// between the two.
func (d *DMP) Erase(ctx context.Context, request EraseRequest) (Erasure, error) {
	fail := func(err error) (Erasure, error) {
		return Erasure{}, &Error{Op: "erase", Object: "users", Err: err, Hint: hintOf(err)}
	}
	if err := d.store.Sync(); err != nil { // ids that just came in count
		return fail(err)
	}
	pseudonyms, err := d.keys.Partner(filePartner)
	if err != nil {
		return fail(err)
	}
	result := Erasure{Names: make([]ErasedName, 0, len(request.Names))}
	var users []storage.Ordinal
	chosen := map[storage.Ordinal]bool{}
	view := d.store.View()
	for _, name := range request.Names {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		found, err := d.named(name, pseudonyms)
		entry := ErasedName{Name: name, Users: len(found)}
		switch {
		case errors.Is(err, ErrUnknownUser):
			entry.Failure = err.Error()
		case err != nil:
			return fail(err)
		}
		result.Names = append(result.Names, entry)
		for _, u := range found {
			if !chosen[u] && !view.Masked(storage.Erased, u) {
				chosen[u] = true
				users = append(users, u)
			}
		}
	}
	result.Users, result.Stamp = len(users), view.Stamp()
	if request.DryRun || len(users) == 0 {
		return result, nil
	}
	if err := d.journal(users); err != nil {
		return fail(err)
	}
	if err := d.store.Erase(users...); err != nil {
		return fail(err)
	}
	result.Stamp = d.store.View().Stamp()
	return result, nil
}

func (d *DMP) journal(users []storage.Ordinal) error {
	now := time.Now().UTC()
	lines := make([]identity.Erasure, len(users))
	for i, u := range users {
		lines[i] = identity.Erasure{Store: d.store.ID(), Epoch: d.store.Epoch(), User: u, Seq: everyDump, At: now}
	}
	return identity.AppendErasure(d.config.Keys, lines...)
}

// Purge takes what the disk still holds of erased users off it now, rather than
// at midnight, and returns when it is done.
func (d *DMP) Purge(context.Context) error {
	if err := d.store.Purge(); err != nil {
		return &Error{Op: "purge", Object: "erased users", Err: err, Hint: hintOf(err)}
	}
	return nil
}
