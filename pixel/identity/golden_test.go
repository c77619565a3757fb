package identity

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sosie/storage"
)

var rewrite = flag.Bool("rewrite", false, "write the golden tokens of this version anew, with new keys")

const goldenStore = "golden"

// golden is testdata/v1: keys after one rotation, and tokens that every later
// version must open as what they say.
type golden struct {
	User      goldenUser    `json:"user"`      // sealed with the present key
	OldUser   goldenUser    `json:"oldUser"`   // sealed before the rotation
	Pending   goldenPending `json:"pending"`   // three labels, sealed before the rotation
	Pseudonym string        `json:"pseudonym"` // of user 70000 for the partner file
}

type goldenUser struct {
	Token  string     `json:"token"`
	Cookie UserCookie `json:"cookie"`
}

type goldenPending struct {
	Token  string        `json:"token"`
	Cookie PendingCookie `json:"cookie"`
}

func TestGolden(t *testing.T) {
	source := filepath.Join("testdata", "v1")
	if *rewrite {
		writeGolden(t, source)
	}
	// A checkout does not keep the modes of files.
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{cookiesFile, partnersFile, storeFile} {
		if err := os.Chmod(filepath.Join(dir, file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := OpenKeys(dir, goldenStore)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(source, "tokens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want golden
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		goldenUser
		old bool
	}{{want.User, false}, {want.OldUser, true}} {
		if got, old, err := keys.OpenUser([]byte(c.Token)); err != nil || old != c.old || got != c.Cookie {
			t.Errorf("OpenUser(%s) = %v, old %v, %v, want %v, old %v", c.Token, got, old, err, c.Cookie, c.old)
		}
	}
	if got := keys.SealUser(want.User.Cookie); got != want.User.Token {
		t.Errorf("SealUser = %s, was %s", got, want.User.Token)
	}
	var pending PendingCookie
	if err := keys.OpenPending([]byte(want.Pending.Token), &pending); err != nil || pending != want.Pending.Cookie {
		t.Errorf("OpenPending = %+v, %v, want %+v", pending, err, want.Pending.Cookie)
	}
	partner, err := keys.Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(partner.Name(nil, 70_000)); got != want.Pseudonym {
		t.Errorf("Name = %s, was %s", got, want.Pseudonym)
	}
}

func writeGolden(t *testing.T, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	keys, err := CreateKeys(dir, goldenStore)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	g.OldUser.Cookie = UserCookie{Ordinal: 1, Epoch: 1, Born: 20_000}
	g.OldUser.Token = keys.SealUser(g.OldUser.Cookie)
	g.Pending.Cookie = PendingCookie{Nonce: 0x0123456789abcdef, Site: 3, At: time.Unix(1_700_000_000, 0).UTC(), Epoch: 1,
		Decision: Collect, Labels: [MaxPendingLabels]storage.Label{4, 5, 70_000}, Count: 3}
	g.Pending.Token = keys.SealPending(&g.Pending.Cookie)
	if err := keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	g.User.Cookie = UserCookie{Ordinal: 4_000_000_000, Epoch: 65_535, Born: 65_535}
	g.User.Token = keys.SealUser(g.User.Cookie)
	partner, err := keys.Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	g.Pseudonym = string(partner.Name(nil, 70_000))
	text, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokens.json"), append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}
