package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sosie/storage"
)

// Epoch is the last life that a store has begun by being restored.
type Epoch struct {
	Store string `json:"store"`
	// Number is sealed in its cookies.
	Number uint16 `json:"number"`
	// Start is the first ordinal that it gives out.
	Start storage.Ordinal `json:"start"`
}

// epochFile holds an Epoch. It lies beside the keys, so that two stores restored
// from one dump, one after the other, do not seal cookies that mean different
// users.
const epochFile = "epoch.json"

// LastEpoch returns the epoch that BeginEpoch noted last for a store; the zero
// value when it was never restored.
func LastEpoch(dir, storeID string) (e Epoch, err error) {
	path := filepath.Join(dir, epochFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Epoch{}, nil
	}
	if err != nil {
		return Epoch{}, fmt.Errorf("read epoch: %w", err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return Epoch{}, fmt.Errorf("read epoch %s: %w: restore the file from its backup", path, err)
	}
	if e.Store != storeID {
		return Epoch{}, fmt.Errorf("read epoch %s: %w: it belongs to store %s", path, ErrWrongStore, e.Store)
	}
	return e, nil
}

// BeginEpoch notes an epoch, durably, before the store that lives it exists.
func BeginEpoch(dir string, e Epoch) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write epoch: %w", err)
	}
	return writeFile(filepath.Join(dir, epochFile), append(text, '\n'))
}
