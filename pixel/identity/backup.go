package identity

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
)

// MinPassphrase is the shortest passphrase, in bytes: who finds the file has all
// the time in the world to guess.
const MinPassphrase = 12

// backupWork is the cost of a passphrase: scrypt with N = 2^16, which takes a
// quarter of a second and 64 MB. Age's own choice, 2^18, takes 256 MB, more than
// a server may have to spare.
const backupWork = 16

// keyFiles are the files that a backup holds. What names the store is last, as in
// CreateKeys.
var keyFiles = []string{cookiesFile, partnersFile, storeFile}

// maxKeyFile is the largest file of a backup, in bytes.
const maxKeyFile = 1 << 20

// BackUp writes the keys in a directory as a tar file encrypted with a
// passphrase: `age -d` opens it, and so does Recover. The errors are ErrNoKeys
// and ErrPassphrase.
func BackUp(to io.Writer, dir, passphrase string) error {
	fail := func(err error) error { return fmt.Errorf("back up keys %s: %w", dir, err) }
	if len(passphrase) < MinPassphrase {
		return fail(fmt.Errorf("%w: it has %d bytes, at least %d are wanted", ErrPassphrase, len(passphrase), MinPassphrase))
	}
	lock, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fail(err)
	}
	lock.SetWorkFactor(backupWork)
	sealed, err := age.Encrypt(to, lock)
	if err != nil {
		return fail(err)
	}
	archive := tar.NewWriter(sealed)
	for _, name := range keyFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%w: %s is missing", ErrNoKeys, name)
		}
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))})
		}
		if err == nil {
			_, err = archive.Write(text)
		}
		if err != nil {
			return fail(err)
		}
	}
	if err := errors.Join(archive.Close(), sealed.Close()); err != nil {
		return fail(err)
	}
	return nil
}

// Recover puts the keys of a backup into a directory that holds none, and makes
// sure that they open for the store. The errors are ErrPassphrase, ErrKeysExist,
// and those of OpenKeys.
func Recover(from io.Reader, dir, storeID, passphrase string) error {
	if err := recoverKeys(from, dir, storeID, passphrase); err != nil {
		return fmt.Errorf("recover keys %s: %w", dir, err)
	}
	return nil
}

func recoverKeys(from io.Reader, dir, storeID, passphrase string) error {
	if _, err := os.Stat(filepath.Join(dir, storeFile)); err == nil {
		return ErrKeysExist
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	files, err := readBackup(from, passphrase)
	if err != nil {
		return err
	}
	for _, name := range keyFiles {
		if files[name] == nil {
			return fmt.Errorf("%w: the backup lacks %s", ErrNoKeys, name)
		}
	}
	if owner := string(files[storeFile]); owner != storeID+"\n" {
		return fmt.Errorf("%w: they belong to %q", ErrWrongStore, owner)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range keyFiles {
		if err := writeFile(filepath.Join(dir, name), files[name]); err != nil {
			return err
		}
	}
	_, err = OpenKeys(dir, storeID)
	return err
}

func readBackup(from io.Reader, passphrase string) (map[string][]byte, error) {
	key, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	key.SetMaxWorkFactor(backupWork)
	plain, err := age.Decrypt(from, key)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(plain); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[head.Name], err = io.ReadAll(io.LimitReader(archive, maxKeyFile)); err != nil {
			return nil, err
		}
	}
}
