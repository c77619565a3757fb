package dmp

import (
	"context"
	"errors"
	"fmt"

	"sosie/pixel/identity"
	"sosie/storage"
)

// Found is where a user still stands.
type Found struct {
	Name string `json:"name"`
	// Running says that a server has the files open and moves them about: only a
	// closed directory shows everything.
	Running bool `json:"running"`
	storage.Finding
}

// Find looks for a user, given as for Erase, in every file and in memory.
func (d *DMP) Find(_ context.Context, name string) (Found, error) {
	found, err := findClosed(d.config, name)
	if err != nil {
		return found, err
	}
	found.Running = true
	if err := d.store.Sync(); err != nil {
		return Found{}, &Error{Op: "find", Object: name, Err: err, Hint: hintOf(err)}
	}
	view := d.store.View()
	for _, u := range found.Users {
		tags := 0
		if err := view.UserDays(u, func(storage.Label, storage.Day) { tags++ }); err != nil {
			return Found{}, &Error{Op: "find", Object: name, Err: err, Hint: hintOf(err)}
		}
		if tags > 0 {
			erased := ""
			if view.Masked(storage.Erased, u) {
				erased = ", in no answer: the user is erased"
			}
			found.Traces = append(found.Traces, storage.Trace{File: "memory", What: fmt.Sprintf("labels on days: %d%s", tags, erased)})
		}
	}
	return found, nil
}

// Find looks for a user in a data directory: it asks the server that runs there,
// or else reads the closed directory, without opening the store.
func Find(ctx context.Context, c Config, name string) (Found, error) {
	c = c.WithDefaults()
	client, err := Dial(ctx, c.Data)
	if err == nil {
		found, err := client.Find(ctx, name)
		return found, errors.Join(err, client.Close())
	}
	if !errors.Is(err, ErrNotRunning) {
		return Found{}, err
	}
	if exists, err := storage.Exists(c.Data); err != nil {
		return Found{}, closedError("find in", c.Data, err)
	} else if !exists {
		return Found{}, &Error{Op: "find in", Object: c.Data, Err: ErrNoStore, Hint: "Say where the store is with --data."}
	}
	return findClosed(c, name)
}

// findClosed reads the files. A user by pseudonym needs the keys, one by id does
// not.
func findClosed(c Config, name string) (Found, error) {
	want := storage.Wanted{IDs: splits(name)}
	if len(want.IDs) == 0 {
		owner, err := keysOwner(c.Keys)
		if err != nil {
			return Found{}, err
		}
		u, err := ofPseudonym(c.Keys, owner, name)
		if err != nil {
			return Found{}, &Error{Op: "find", Object: name, Err: err}
		}
		want.Users = []storage.Ordinal{u}
	}
	finding, err := storage.Find(c.Data, want)
	if err != nil {
		return Found{}, &Error{Op: "find", Object: name, Err: err, Hint: hintOf(err)}
	}
	return Found{Name: name, Finding: finding}, nil
}

func ofPseudonym(dir, owner, name string) (storage.Ordinal, error) {
	keys, err := identity.OpenKeys(dir, owner)
	if err != nil {
		return 0, err
	}
	pseudonyms, err := keys.Partner(filePartner)
	if err != nil {
		return 0, err
	}
	return openPseudonym(name, pseudonyms)
}
