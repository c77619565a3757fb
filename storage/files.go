package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/tables"
)

// checkFiles checks every byte of a closed store's directories before they are
// opened. The error is ErrCorrupt, unless the damage lies where nothing is read,
// or ErrLocked. Both directories of a store that is not fresh must be there.
func checkFiles(dir string, fresh bool) error {
	var failed error
	for _, name := range []string{storeDir, logDir} {
		_, damages, err := checkDirectory(filepath.Join(dir, name), fresh)
		if err != nil {
			return err
		}
		for _, d := range damages {
			if !d.Unused {
				failed = errors.Join(failed, fmt.Errorf("%w: %s: %w", ErrCorrupt, filepath.Join(name, d.File), d.Err))
			}
		}
	}
	return failed
}

// checkDirectory checks one of them while nobody else can open it.
func checkDirectory(dir string, fresh bool) (sum tables.Summary, damages []tables.Damage, err error) {
	release, err := tables.Lock(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !fresh {
			damages = append(damages, tables.Damage{File: badger.ManifestFilename, Err: errors.New("the directory is missing")})
		}
		return sum, damages, nil
	case errors.Is(err, tables.ErrLocked):
		return sum, nil, ErrLocked
	case err != nil:
		return sum, nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	sum, damages, err = tables.Check(dir)
	if err == nil && sum.Files == 0 && len(damages) == 0 && !fresh {
		damages = append(damages, tables.Damage{File: badger.ManifestFilename, Err: errors.New("the directory is empty")})
	}
	return sum, damages, err
}
