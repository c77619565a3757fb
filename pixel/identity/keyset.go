package identity

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/daead/aessiv"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

type keyTemplate = tinkpb.KeyTemplate

const rawPrefix = tinkpb.OutputPrefixType_RAW

// newSealer takes the raw keys out of a keyset, the primary first, then from
// the newest to the oldest. Tink's own factory would not tell which key opened
// a token.
func newSealer(handle *keyset.Handle) (*sealer, error) {
	var s sealer
	for i := handle.Len() - 1; i >= 0; i-- {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, err
		}
		raw, ok := entry.Key().(*aessiv.Key)
		if !ok || len(raw.OutputPrefix()) != 0 {
			return nil, fmt.Errorf("key %d is not a raw AES256-SIV key", entry.KeyID())
		}
		if entry.KeyStatus() != keyset.Enabled {
			continue
		}
		key, err := newSIV(raw.KeyBytes().Data(insecuresecretdataaccess.Token{}))
		if err != nil {
			return nil, err
		}
		if s.keys = append(s.keys, key); entry.IsPrimary() {
			copy(s.keys[1:], s.keys)
			s.keys[0] = key
		}
	}
	if len(s.keys) == 0 {
		return nil, errors.New("no key is enabled")
	}
	return &s, nil
}

// readKeyset reads a keyset file of the directory, which must be for its owner
// alone.
func readKeyset(dir, file, storeID string) (*keyset.Handle, error) {
	path := filepath.Join(dir, file)
	stat, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, noKeys(dir, storeID, file)
	}
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	if mode := stat.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("open keys %s: %w (mode %04o): run chmod 600 on it", path, ErrExposed, mode)
	}
	handle, err := loadKeyset(path)
	if err != nil {
		return nil, fmt.Errorf("open keys %s: %w: restore the file from its backup", path, err)
	}
	return handle, nil
}

func loadKeyset(path string) (*keyset.Handle, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
}

func writeKeyset(path string, handle *keyset.Handle) error {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return fmt.Errorf("write keys %s: %w", path, err)
	}
	return writeFile(path, text.Bytes())
}

// writeFile replaces a file durably and whole: aside, synced, renamed, and the
// directory synced.
func writeFile(path string, text []byte) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("write keys %s: %w", path, err)
		}
	}()
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names of a directory's files durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
