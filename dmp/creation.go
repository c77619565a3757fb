package dmp

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"sosie/pixel/identity"
	"sosie/storage"
)

// creationFile marks a data directory whose store or keys are still being made.
// It holds the id that both will have.
const creationFile = "creating"

// create makes the keys and then the store of a data directory that has none,
// and returns whether it did. The marker is durable before the keys and goes
// after the store, so a crash anywhere in between is resumed, and there is no
// moment at which a store exists without its keys.
func create(c Config, options storage.Options) (*storage.Store, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, &Error{Op: "create store", Object: c.Data, Err: errors.Unwrap(err), Hint: "Choose a directory you may write to with --data."}
	}
	if inside(c.Keys, c.Data) {
		return nil, keysInside(c)
	}
	unlock, err := lockDir(c.Data) // two processes may come first at once
	if err != nil {
		return nil, err
	}
	defer unlock()
	marker := filepath.Join(c.Data, creationFile)
	text, err := os.ReadFile(marker)
	if errors.Is(err, fs.ErrNotExist) {
		if exists, err := storage.Exists(c.Data); exists || err != nil {
			return nil, err // another process was faster and has finished
		}
		if owner, err := keysOwner(c.Keys); err != nil {
			return nil, err
		} else if owner != "" {
			return nil, &Error{Op: "create store", Object: c.Data, Err: fmt.Errorf("%w: keys %s belong to store %s, but there is no store here", ErrNoStore, c.Keys, owner),
				Hint: "Check --data, restore the data directory from its backup, or move the keys aside to begin anew."}
		}
		var id [8]byte
		rand.Read(id[:])
		text = []byte(hex.EncodeToString(id[:]))
		if err := writeSynced(marker, text); err != nil {
			return nil, &Error{Op: "create store", Object: c.Data, Err: err}
		}
	} else if err != nil {
		return nil, &Error{Op: "create store", Object: c.Data, Err: err}
	}
	options.ID = strings.TrimSpace(string(text))
	if owner, err := keysOwner(c.Keys); err != nil {
		return nil, err
	} else if owner == "" {
		if _, err := identity.CreateKeys(c.Keys, options.ID); err != nil {
			return nil, &Error{Op: "create keys", Object: c.Keys, Err: err, Hint: "Choose a directory outside the data directory with --keys."}
		}
	}
	store, err := storage.Open(options)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(marker), syncDir(c.Data)); err != nil {
		return nil, errors.Join(&Error{Op: "create store", Object: c.Data, Err: err}, store.Close())
	}
	return store, nil
}

func keysInside(c Config) error {
	return &Error{Op: "create keys", Object: c.Keys, Err: fmt.Errorf("%w: the directory lies in the data directory %s", ErrKeysInside, c.Data),
		Hint: "Keep the keys elsewhere, with --keys: whoever has a copy of both can name every user."}
}

// inside reports whether dir is, or lies below, another directory.
func inside(dir, other string) bool {
	rel, err := filepath.Rel(resolved(other), resolved(dir))
	return err == nil && (rel == "." || rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)))
}

// resolved makes a path absolute and follows links as far as it exists.
func resolved(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(resolved(parent), filepath.Base(path))
	}
	return path
}

// created reports whether the data directory holds a store that is complete.
func created(data string) (bool, error) {
	if _, err := os.Stat(filepath.Join(data, creationFile)); err == nil {
		return false, nil
	}
	return storage.Exists(data)
}

// keysOwner returns the id of the store that the keys belong to; nothing when
// there are no complete keys.
func keysOwner(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "store"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", &Error{Op: "read keys", Object: dir, Err: err}
	}
	return strings.TrimSpace(string(text)), nil
}

// lockDir waits until no other process holds the directory's lock.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		d.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { d.Close() }, nil
}

// writeSynced writes a file and its directory entry durably.
func writeSynced(path string, text []byte) error {
	aside := path + ".new"
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
