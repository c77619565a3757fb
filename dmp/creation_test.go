package dmp

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sosie/pixel/identity"
	"sosie/storage"
)

// TestCreationResumes: a crash between any two steps leaves a directory that
// the next start completes, with keys and store that belong together.
func TestCreationResumes(t *testing.T) {
	const id = "0123456789abcdef"
	marker := func(c Config) error {
		return errors.Join(os.MkdirAll(c.Data, 0o700), writeSynced(filepath.Join(c.Data, creationFile), []byte(id)))
	}
	keys := func(c Config) error { _, err := identity.CreateKeys(c.Keys, id); return err }
	halfKeys := func(c Config) error {
		return errors.Join(keys(c), os.Remove(filepath.Join(c.Keys, "store")))
	}
	store := func(c Config) error {
		s, err := storage.Open(storage.Options{Dir: c.Data, ID: id})
		if err != nil {
			return err
		}
		return s.Close()
	}
	for _, c := range []struct {
		name  string
		steps []func(Config) error
	}{
		{"marked", []func(Config) error{marker}},
		{"half the keys", []func(Config) error{marker, halfKeys}},
		{"keys", []func(Config) error{marker, keys}},
		{"store", []func(Config) error{marker, keys, store}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testConfig(t)
			for _, step := range c.steps {
				if err := step(config); err != nil {
					t.Fatal(err)
				}
			}
			d := mustOpen(t, config)
			if d.store.ID() != id {
				t.Errorf("the store is %s, want %s", d.store.ID(), id)
			}
			if done, err := created(config.Data); !done || err != nil {
				t.Errorf("created: %v, %v", done, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	made := testConfig(t)
	mustOpen(t, made)
	lost := testConfig(t)
	lost.Keys = made.Keys
	if _, err := Open(lost); !errors.Is(err, ErrNoStore) || Hint(err) == "" {
		t.Errorf("keys without data: %v", err)
	}
	if exists, err := storage.Exists(lost.Data); exists || err != nil {
		t.Errorf("a store was made all the same: %v", err)
	}
}

func TestOpenWithoutKeys(t *testing.T) {
	config := testConfig(t)
	d, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(config.Keys); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(config); !errors.Is(err, ErrNoKeys) || !errors.Is(err, identity.ErrNoKeys) || Hint(err) == "" {
		t.Errorf("data without keys: %v", err)
	}
	if _, err := os.Stat(config.Keys); err == nil {
		t.Error("keys were made")
	}
}

func TestRotateKeys(t *testing.T) {
	config := testConfig(t)
	if err := RotateKeys(config); !errors.Is(err, ErrNoKeys) {
		t.Errorf("no keys yet: %v", err)
	}
	s := serve(t, config)
	b := newBrowser(t, s.pixel)
	b.hit("interest/tennis")
	b.hit("")
	if err := RotateKeys(config); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := serve(t, config)
	b.pixel = again.pixel
	b.hit("bought/racket")
	n, err := again.Count(t.Context(), "interest/tennis and bought/racket")
	if err != nil || n.Count != 1 || again.DMP.pixel.Counters().Resealed != 1 {
		t.Errorf("after the rotation: %d users, %v, %+v", n.Count, err, again.DMP.pixel.Counters())
	}
}

func TestKeysStayOutOfTheDataDirectory(t *testing.T) {
	root := t.TempDir()
	data := filepath.Join(root, "data")
	if err := os.Symlink(data, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for _, keys := range []string{data, filepath.Join(data, "keys"), filepath.Join(data, "..", "data", "keys"), filepath.Join(root, "link", "keys")} {
		if _, err := Open(Config{Data: data, Keys: keys, Reserve: 1}); !errors.Is(err, ErrKeysInside) {
			t.Errorf("keys in %s: error %v, want ErrKeysInside", keys, err)
		}
	}
	for _, keys := range []string{data + ".keys", filepath.Join(root, "data-keys"), filepath.Join(root, "..keys")} {
		if inside(keys, data) {
			t.Errorf("keys in %s count as inside", keys)
		}
	}
}
