package identity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
)

// MaxCookieKeys is the most keys the cookies keyset holds. Rotate drops the
// oldest beyond it: rotated every 60 days or less often, every cookie that is
// still alive opens.
const MaxCookieKeys = 8

const (
	cookiesFile  = "cookies.json"
	partnersFile = "partners.json"
	storeFile    = "store"
)

// Keys are the keysets of one store. All methods are safe for concurrent use.
type Keys struct {
	dir      string
	cookies  atomic.Pointer[sealer]
	partners *prf.Set

	rotation sync.Mutex // one Rotate at a time
}

// CreateKeys makes new keys in dir for a store that has none yet, and opens
// them. The directory is made if need be. It refuses with ErrKeysExist where
// keys belong to a store already.
func CreateKeys(dir, storeID string) (*Keys, error) {
	if storeID == "" || strings.TrimSpace(storeID) != storeID {
		return nil, fmt.Errorf("create keys %s: store id %q is empty or has spaces around it", dir, storeID)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	// MkdirAll leaves a directory that was there as it was. An empty one is
	// ours; one that others use is not ours to close.
	if entries, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	} else if len(entries) == 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, fmt.Errorf("create keys: %w", err)
		}
	}
	if owner, err := os.ReadFile(filepath.Join(dir, storeFile)); err == nil {
		return nil, fmt.Errorf("create keys %s: %w, of store %s: name another directory, or the data directory of that store",
			dir, ErrKeysExist, strings.TrimSpace(string(owner)))
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	cookies, err := keyset.NewHandle(cookieTemplate())
	if err != nil {
		return nil, fmt.Errorf("create keys %s: %w", dir, err)
	}
	partners, err := keyset.NewHandle(prf.HKDFSHA256PRFKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("create keys %s: %w", dir, err)
	}
	if err := writeKeyset(filepath.Join(dir, cookiesFile), cookies); err != nil {
		return nil, err
	}
	if err := writeKeyset(filepath.Join(dir, partnersFile), partners); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, storeFile), []byte(storeID+"\n")); err != nil {
		return nil, err
	}
	return OpenKeys(dir, storeID)
}

// OpenKeys opens the keys of a store. The errors ErrNoKeys, ErrWrongStore and
// ErrExposed say what the operator can do.
func OpenKeys(dir, storeID string) (*Keys, error) {
	owner, err := os.ReadFile(filepath.Join(dir, storeFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, noKeys(dir, storeID, storeFile)
	}
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	if got := strings.TrimSpace(string(owner)); got != storeID {
		return nil, fmt.Errorf("open keys %s: %w: they belong to store %s, the data to store %s: "+
			"name the directory of that store with --keys, or restore it from its backup", dir, ErrWrongStore, got, storeID)
	}
	k := &Keys{dir: dir}
	cookies, err := readKeyset(dir, cookiesFile, storeID)
	if err != nil {
		return nil, err
	}
	sealer, err := newSealer(cookies)
	if err != nil {
		return nil, fmt.Errorf("open keys %s: %w: restore the file from its backup", filepath.Join(dir, cookiesFile), err)
	}
	k.cookies.Store(sealer)
	partners, err := readKeyset(dir, partnersFile, storeID)
	if err != nil {
		return nil, err
	}
	if k.partners, err = prf.NewPRFSet(partners); err != nil {
		return nil, fmt.Errorf("open keys %s: %w: restore the file from its backup", filepath.Join(dir, partnersFile), err)
	}
	return k, nil
}

func noKeys(dir, storeID, file string) error {
	return fmt.Errorf("open keys %s: %w (%s is missing): without them every visitor of store %s becomes a stranger "+
		"and every name that partners hold is lost: restore the directory from its backup, or say where it is with --keys",
		dir, ErrNoKeys, file, storeID)
}

// Rotate makes a new key that seals cookies from now on. Cookies of the keys
// before it still open, and OpenUser says that they are old. Another process
// that has the keys open sees the new one when it opens them again.
func (k *Keys) Rotate() error {
	k.rotation.Lock()
	defer k.rotation.Unlock()
	path := filepath.Join(k.dir, cookiesFile)
	handle, err := loadKeyset(path)
	if err != nil {
		return fmt.Errorf("rotate cookie key %s: %w", path, err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(cookieTemplate())
	if err == nil {
		err = manager.SetPrimary(id)
	}
	for i := 0; err == nil && handle.Len()+1-i > MaxCookieKeys; i++ {
		var oldest *keyset.Entry
		if oldest, err = handle.Entry(i); err == nil {
			err = manager.Delete(oldest.KeyID())
		}
	}
	if err != nil {
		return fmt.Errorf("rotate cookie key %s: %w", path, err)
	}
	if handle, err = manager.Handle(); err != nil {
		return fmt.Errorf("rotate cookie key %s: %w", path, err)
	}
	sealer, err := newSealer(handle)
	if err != nil {
		return fmt.Errorf("rotate cookie key %s: %w", path, err)
	}
	// On disk first: a cookie must never be sealed with a key that a crash loses.
	if err := writeKeyset(path, handle); err != nil {
		return err
	}
	k.cookies.Store(sealer)
	return nil
}

// cookieTemplate is AES256-SIV without tink's prefix of five bytes: a cookie
// travels with every hit.
func cookieTemplate() *keyTemplate {
	t := daead.AESSIVKeyTemplate()
	t.OutputPrefixType = rawPrefix
	return t
}
