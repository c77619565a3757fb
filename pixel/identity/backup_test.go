package identity

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

const passphrase = "correct horse battery"

func TestBackUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	keys, err := CreateKeys(dir, "store-1")
	if err != nil {
		t.Fatal(err)
	}
	cookie := []byte(keys.SealUser(UserCookie{Ordinal: 7, Epoch: 1, Born: 20000}))
	if err := AppendErasure(dir, erasure(1)); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if err := BackUp(&backup, dir, passphrase); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, cookiesFile))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(backup.Bytes(), text[:20]) {
		t.Error("the keys can be read")
	}
	if key, err := age.NewScryptIdentity(passphrase); err != nil {
		t.Error(err)
	} else if plain, err := age.Decrypt(bytes.NewReader(backup.Bytes()), key); err != nil {
		t.Error("age does not open it:", err)
	} else if all, err := io.ReadAll(plain); err != nil || !bytes.Contains(all, text) || bytes.Contains(all, []byte("seq")) {
		t.Error("age finds other files")
	}

	again := filepath.Join(t.TempDir(), "keys")
	if err := Recover(bytes.NewReader(backup.Bytes()), again, "store-1", "correct horse batterz"); !errors.Is(err, ErrPassphrase) {
		t.Error("another passphrase:", err)
	}
	if err := Recover(bytes.NewReader(backup.Bytes()), again, "store-2", passphrase); !errors.Is(err, ErrWrongStore) {
		t.Error("another store:", err)
	}
	if err := Recover(bytes.NewReader(backup.Bytes()), again, "store-1", passphrase); err != nil {
		t.Fatal(err)
	}
	if err := Recover(bytes.NewReader(backup.Bytes()), again, "store-1", passphrase); !errors.Is(err, ErrKeysExist) {
		t.Error("a second time:", err)
	}
	opened, err := OpenKeys(again, "store-1")
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := opened.OpenUser(cookie); err != nil || c.Ordinal != 7 {
		t.Error("a cookie sealed before:", c, err)
	}
	if err := BackUp(io.Discard, dir, "too short"); !errors.Is(err, ErrPassphrase) {
		t.Error("a short passphrase:", err)
	}
	if err := BackUp(io.Discard, t.TempDir(), passphrase); !errors.Is(err, ErrNoKeys) {
		t.Error("no keys:", err)
	}
	for _, cut := range []int{0, 100, backup.Len() - 1} {
		if err := Recover(bytes.NewReader(backup.Bytes()[:cut]), filepath.Join(t.TempDir(), "keys"), "store-1", passphrase); err == nil {
			t.Errorf("cut after %d bytes, it is taken", cut)
		}
	}
}

func TestEpoch(t *testing.T) {
	dir := t.TempDir()
	if e, err := LastEpoch(dir, "s"); err != nil || e != (Epoch{}) {
		t.Errorf("none: %+v, %v", e, err)
	}
	want := Epoch{Store: "s", Number: 3, Start: 1 << 20}
	if err := BeginEpoch(dir, want); err != nil {
		t.Fatal(err)
	}
	if e, err := LastEpoch(dir, "s"); err != nil || e != want {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := LastEpoch(dir, "t"); !errors.Is(err, ErrWrongStore) {
		t.Error("another store's:", err)
	}
	if err := os.WriteFile(filepath.Join(dir, epochFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LastEpoch(dir, "s"); err == nil {
		t.Error("half a file is taken")
	}
}
