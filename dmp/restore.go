package dmp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"sosie/pixel/identity"
	"sosie/storage"
	"sosie/storage/dump"
)

// RestoreRequest says what to restore.
type RestoreRequest struct {
	// Dir holds the dump.
	Dir string
	// Passphrase opens the keys of the dump, for a directory of keys that holds
	// none; empty takes none.
	Passphrase string
	// Gap is how many ordinals to skip; 0 means as storage.About.NextEpoch has it.
	Gap uint64
}

// Restore says what was restored.
type Restore struct {
	Dump
	// Data and Keys are the directories that belong together now.
	Data string `json:"data"`
	Keys string `json:"keys_dir"`
	// Epoch is the new store's, Mark the user from whom on cookies of earlier
	// epochs count as none, and Start its first new user.
	Epoch storage.Epoch `json:"new_epoch"`
	// Journalled is the erasures that the journal has of this store, and Erased
	// how many of them the dump did not know.
	Journalled int `json:"journalled"`
	Erased     int `json:"erased"`
	// KeysRecovered says that the keys came out of the dump.
	KeysRecovered bool `json:"keys_recovered"`
}

// RestoreDump makes the data directory of a configuration out of a dump. The
// directory is new or empty, and the directory of keys is that of the store, or
// one for the dump's keys: beside the keys lie the journal of erasures and the
// last epoch, without which the erased would come back, and cookies sealed since
// could name others.
func RestoreDump(ctx context.Context, c Config, request RestoreRequest, progress Progress) (Restore, error) {
	c = c.WithDefaults()
	if c.Memory > 0 {
		debug.SetMemoryLimit(int64(c.Memory))
	}
	if err := checkRoom(c); err != nil {
		return Restore{}, err
	}
	m, err := dump.Check(ctx, request.Dir, progress)
	if err != nil {
		return Restore{}, restoreError(request.Dir, err)
	}
	out := Restore{Dump: dumpOf(request.Dir, m), Data: c.Data, Keys: c.Keys}
	if out.KeysRecovered, err = restoreKeys(c, m, request); err != nil {
		return Restore{}, err
	}
	erased, err := journalled(c.Keys, m.Store.ID)
	if err != nil {
		return Restore{}, &Error{Op: "read journal", Object: c.Keys, Err: err}
	}
	out.Journalled = len(erased)
	if out.Epoch, err = beginEpoch(c.Keys, m.Store, erased, request.Gap); err != nil {
		return Restore{}, &Error{Op: "begin epoch", Object: c.Keys, Err: err,
			Hint: hintOr(err, storage.ErrNoOrdinals, "Choose a smaller gap with --gap: larger than the number of users that came since the dump.")}
	}
	r, err := dump.Restore(ctx, request.Dir, m, c.Data, dump.RestoreOptions{Epoch: out.Epoch, Erased: erased, Progress: progress})
	if err != nil {
		return Restore{}, restoreError(request.Dir, err)
	}
	out.Erased = r.Erased
	return out, nil
}

// checkRoom refuses a data directory that is in use, before anything is read.
func checkRoom(c Config) error {
	entries, err := os.ReadDir(c.Data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return &Error{Op: "restore", Object: c.Data, Err: err}
	}
	if len(entries) > 0 {
		return &Error{Op: "restore", Object: c.Data, Err: dump.ErrExists, Hint: "A dump is restored into a new directory: name one with --data."}
	}
	if inside(c.Keys, c.Data) {
		return &Error{Op: "restore", Object: c.Keys, Err: fmt.Errorf("%w: the directory lies in the data directory %s", ErrKeysInside, c.Data),
			Hint: "Keep the keys elsewhere, with --keys."}
	}
	return nil
}

// restoreKeys makes sure of the keys: those that are there, or the dump's.
func restoreKeys(c Config, m *dump.Manifest, request RestoreRequest) (recovered bool, err error) {
	owner, err := keysOwner(c.Keys)
	if err != nil {
		return false, err
	}
	if owner != "" {
		if _, err := identity.OpenKeys(c.Keys, m.Store.ID); err != nil {
			return false, &Error{Op: "open keys", Object: c.Keys, Err: err, Hint: "Name the keys of the store that was dumped with --keys."}
		}
		return false, nil
	}
	file := m.Find(dump.HoldsKeys)
	switch {
	case file == nil:
		return false, &Error{Op: "open keys", Object: c.Keys, Err: fmt.Errorf("%w, and the dump has none: without them nobody's cookie can be read, and who was erased since the dump is not known", ErrNoKeys),
			Hint: "Name the keys of the store with --keys, or restore them from their backup."}
	case request.Passphrase == "":
		return false, &Error{Op: "open keys", Object: c.Keys, Err: caused{fmt.Errorf("%w; the dump has them, under a passphrase", ErrNoKeys), ErrPassphrase},
			Hint: "Name the keys of the store with --keys, or take those of the dump with --with-keys."}
	}
	backup, err := os.Open(filepath.Join(request.Dir, filepath.FromSlash(file.Name)))
	if err == nil {
		defer backup.Close()
		err = identity.Recover(backup, c.Keys, m.Store.ID, request.Passphrase)
	}
	if err != nil {
		return false, &Error{Op: "open keys", Object: request.Dir, Err: err}
	}
	return true, nil
}

// journalled are the users whose erasure is in the journal. All of the store's
// count, not only those since the dump: what the dump knows already changes
// nothing, and an erasure of another life of the store has a sequence that means
// nothing here.
func journalled(keys, store string) ([]storage.Ordinal, error) {
	erasures, err := identity.Erasures(keys)
	if err != nil {
		return nil, err
	}
	var users []storage.Ordinal
	for _, e := range erasures {
		if e.Store == store {
			users = append(users, e.User)
		}
	}
	return users, nil
}

// beginEpoch chooses the new store's epoch and notes it beside the keys. What
// the keys and the journal know of lives since the dump is left behind too.
func beginEpoch(keys string, about storage.About, erased []storage.Ordinal, gap uint64) (storage.Epoch, error) {
	last, err := identity.LastEpoch(keys, about.ID)
	if err != nil {
		return storage.Epoch{}, err
	}
	start := last.Start
	for _, u := range erased {
		start = max(start, u+1)
	}
	epoch, err := about.NextEpoch(last.Number, start, gap)
	if err != nil {
		return storage.Epoch{}, err
	}
	return epoch, identity.BeginEpoch(keys, identity.Epoch{Store: about.ID, Number: epoch.Number, Start: epoch.Start})
}

func restoreError(dir string, err error) error {
	return &Error{Op: "restore", Object: dir, Err: err, Hint: dumpHint(err)}
}

// hintOr is a hint for an error of a kind, and the usual one for others.
func hintOr(err, kind error, hint string) string {
	if errors.Is(err, kind) {
		return hint
	}
	return hintOf(err)
}
