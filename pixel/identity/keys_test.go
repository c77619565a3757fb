package identity

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func newKeys(t testing.TB) *Keys {
	t.Helper()
	keys, err := CreateKeys(filepath.Join(t.TempDir(), "keys"), "store-a")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestCreateKeysLeavesPrivateFiles(t *testing.T) {
	dir := newKeys(t).dir
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, cookiesFile): 0o600,
		filepath.Join(dir, partnersFile): 0o600, filepath.Join(dir, storeFile): 0o600} {
		stat, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := stat.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %04o, want %04o", path, got, want)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("keys directory holds %v, want three files", files)
	}
}

func TestOpenKeysErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		harm  func(dir string) error
		store string
		want  error
	}{
		{"intact", func(string) error { return nil }, "store-a", nil},
		{"wrong store", func(string) error { return nil }, "store-b", ErrWrongStore},
		{"no directory", os.RemoveAll, "store-a", ErrNoKeys},
		{"no store file", func(d string) error { return os.Remove(filepath.Join(d, storeFile)) }, "store-a", ErrNoKeys},
		{"no cookies file", func(d string) error { return os.Remove(filepath.Join(d, cookiesFile)) }, "store-a", ErrNoKeys},
		{"no partners file", func(d string) error { return os.Remove(filepath.Join(d, partnersFile)) }, "store-a", ErrNoKeys},
		{"cookies for all", func(d string) error { return os.Chmod(filepath.Join(d, cookiesFile), 0o644) }, "store-a", ErrExposed},
		{"partners for group", func(d string) error { return os.Chmod(filepath.Join(d, partnersFile), 0o640) }, "store-a", ErrExposed},
	} {
		dir := newKeys(t).dir
		if err := c.harm(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeys(dir, c.store); !errors.Is(err, c.want) {
			t.Errorf("%s: OpenKeys = %v, want %v", c.name, err, c.want)
		}
	}
}

func TestOpenKeysRefusesDamage(t *testing.T) {
	for _, text := range []string{"", "{}", "not json", `{"primaryKeyId":1,"key":[]}`} {
		for _, file := range []string{cookiesFile, partnersFile} {
			dir := newKeys(t).dir
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenKeys(dir, "store-a"); err == nil {
				t.Errorf("OpenKeys with %s = %q passes", file, text)
			}
		}
	}
}

func TestKeysetsAreNotInterchangeable(t *testing.T) {
	dir := newKeys(t).dir
	partners, err := os.ReadFile(filepath.Join(dir, partnersFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, cookiesFile), partners, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeys(dir, "store-a"); err == nil {
		t.Error("the partners keyset opens as cookies")
	}
}

func TestCreateKeysNeverOverwrites(t *testing.T) {
	keys := newKeys(t)
	before := keys.SealUser(UserCookie{Ordinal: 7})
	for _, id := range []string{"store-a", "store-b"} {
		if _, err := CreateKeys(keys.dir, id); !errors.Is(err, ErrKeysExist) {
			t.Errorf("CreateKeys over keys for %s = %v, want ErrKeysExist", id, err)
		}
	}
	again, err := OpenKeys(keys.dir, "store-a")
	if err != nil {
		t.Fatal(err)
	}
	if _, old, err := again.OpenUser([]byte(before)); err != nil || old {
		t.Errorf("cookie after refused creation: old %v, err %v", old, err)
	}
}

func TestCreateKeysFinishesACreationCutShort(t *testing.T) {
	dir := newKeys(t).dir
	if err := os.Remove(filepath.Join(dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateKeys(dir, "store-b"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeys(dir, "store-b"); err != nil {
		t.Fatal(err)
	}
}

func TestRotate(t *testing.T) {
	keys := newKeys(t)
	cookie := UserCookie{Ordinal: 70_000, Epoch: 3, Born: 20_000}
	pending := PendingCookie{Nonce: 9, Site: 4}
	partner, err := keys.Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	first, firstPending, name := keys.SealUser(cookie), keys.SealPending(&pending), string(partner.Name(nil, 5))
	for i := 1; i < MaxCookieKeys; i++ {
		if err := keys.Rotate(); err != nil {
			t.Fatal(err)
		}
		got, old, err := keys.OpenUser([]byte(first))
		if err != nil || !old || got != cookie {
			t.Fatalf("after %d rotations the first cookie opens as %v, old %v, err %v", i, got, old, err)
		}
	}
	if err := keys.OpenPending([]byte(firstPending), &pending); err != nil {
		t.Errorf("pending cookie of the first key: %v", err)
	}
	fresh := keys.SealUser(cookie)
	if fresh == first {
		t.Error("rotation does not change what seals")
	}
	if err := keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keys.OpenUser([]byte(first)); !errors.Is(err, ErrForged) {
		t.Errorf("the key before the last %d still opens: %v", MaxCookieKeys, err)
	}
	again, err := OpenKeys(keys.dir, "store-a")
	if err != nil {
		t.Fatal(err)
	}
	if _, old, err := again.OpenUser([]byte(fresh)); err != nil || !old {
		t.Errorf("cookie of the last key but one after opening again: old %v, err %v", old, err)
	}
	if again.SealUser(cookie) != keys.SealUser(cookie) {
		t.Error("keys opened again seal otherwise")
	}
	partner, err = again.Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(partner.Name(nil, 5)); got != name {
		t.Errorf("rotation of cookies changed a pseudonym: %s, was %s", got, name)
	}
}
