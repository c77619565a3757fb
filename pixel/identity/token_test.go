package identity

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sosie/storage"
)

func TestUserCookieRoundTrip(t *testing.T) {
	keys := newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		want := UserCookie{
			Ordinal: storage.Ordinal(rapid.Uint32().Draw(t, "ordinal")),
			Epoch:   rapid.Uint16().Draw(t, "epoch"),
			Born:    storage.Day(rapid.Uint16().Draw(t, "born")),
		}
		value := keys.SealUser(want)
		got, old, err := keys.OpenUser([]byte(value))
		if err != nil || old || got != want {
			t.Fatalf("OpenUser = %v, old %v, %v, want %v", got, old, err, want)
		}
		if value != keys.SealUser(want) {
			t.Fatal("the same contents seal to another token")
		}
	})
}

func TestPendingCookieRoundTrip(t *testing.T) {
	keys := newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		want := PendingCookie{
			Nonce:    rapid.Uint64().Draw(t, "nonce"),
			Site:     storage.Label(rapid.Uint32().Draw(t, "site")),
			At:       time.Unix(int64(rapid.Uint32().Draw(t, "at")), 0).UTC(),
			Epoch:    rapid.Uint16().Draw(t, "epoch"),
			Decision: Decision(rapid.IntRange(0, 1).Draw(t, "decision")),
			Count:    rapid.IntRange(0, MaxPendingLabels).Draw(t, "count"),
		}
		for i := range want.Count {
			want.Labels[i] = storage.Label(rapid.Uint32().Draw(t, "label"))
		}
		got := PendingCookie{Count: 99}
		if err := keys.OpenPending([]byte(keys.SealPending(&want)), &got); err != nil || got != want {
			t.Fatalf("OpenPending = %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestNoTokenPassesForAnotherKind(t *testing.T) {
	keys := newKeys(t)
	file, errFile := keys.Partner("file")
	ads, errAds := keys.Partner("ads")
	if errFile != nil || errAds != nil {
		t.Fatal(errFile, errAds)
	}
	user := keys.SealUser(UserCookie{Ordinal: 1, Born: 20_000})
	pending := keys.SealPending(&PendingCookie{Nonce: 1})
	name := string(file.Name(nil, 1))
	open := map[string]func(string) error{
		"user":    func(s string) error { _, _, err := keys.OpenUser([]byte(s)); return err },
		"pending": func(s string) error { return keys.OpenPending([]byte(s), new(PendingCookie)) },
		"file":    func(s string) error { _, err := file.Open([]byte(s)); return err },
		"ads":     func(s string) error { _, err := ads.Open([]byte(s)); return err },
	}
	for _, c := range []struct{ name, token, as string }{
		{"user", user, "user"},
		{"user with the character of a pending cookie", "n" + user[1:], ""},
		{"user with the character of a pseudonym", "p" + user[1:], ""},
		{"pending", pending, "pending"},
		{"pending with the character of a user", "u" + pending[1:], ""},
		{"pseudonym", name, "file"},
		{"pseudonym with the character of a user", "u" + name[1:], ""},
		{"pseudonym of another partner", string(ads.Name(nil, 1)), "ads"},
		{"user of other keys", newKeys(t).SealUser(UserCookie{Ordinal: 1, Born: 20_000}), ""},
		{"empty", "", ""},
		{"character alone", "u", ""},
		{"padded", user + "=", ""},
		{"standard alphabet", "u" + strings.Repeat("+", 32), ""},
		{"line break inside", user[:9] + "\n" + user[9:32], ""},
		{"cut short", user[:32], ""},
		{"one longer", user + "A", ""},
		{"pending of the longest length plus one", "n" + strings.Repeat("A", 134), ""},
		{"huge", "n" + strings.Repeat("A", 100_000), ""},
	} {
		for kind, fn := range open {
			if err := fn(c.token); (err == nil) != (kind == c.as) || err != nil && !errors.Is(err, ErrForged) {
				t.Errorf("%s opened as %s: %v", c.name, kind, err)
			}
		}
	}
}

// TestEveryBitCounts flips each bit of what was sealed.
func TestEveryBitCounts(t *testing.T) {
	keys := newKeys(t)
	token := keys.SealUser(UserCookie{Ordinal: 123_456, Epoch: 1, Born: 20_000})
	sealed, err := base64.RawURLEncoding.DecodeString(token[1:])
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(sealed) * 8 {
		sealed[bit/8] ^= 1 << (bit % 8)
		if _, _, err := keys.OpenUser([]byte("u" + base64.RawURLEncoding.EncodeToString(sealed))); !errors.Is(err, ErrForged) {
			t.Fatalf("token with bit %d flipped opens: %v", bit, err)
		}
		sealed[bit/8] ^= 1 << (bit % 8)
	}
}

// TestOneSpelling changes the bits of the last character that mean nothing.
func TestOneSpelling(t *testing.T) {
	keys := newKeys(t)
	partner, err := keys.Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	other := func(token string) []byte {
		last := strings.IndexByte(alphabet, token[len(token)-1])
		return []byte(token[:len(token)-1] + string(alphabet[last^1]))
	}
	if _, err := partner.Open(other(string(partner.Name(nil, 1)))); !errors.Is(err, ErrForged) {
		t.Errorf("a pseudonym opens in another spelling: %v", err)
	}
	pending := PendingCookie{Count: 1}
	if err := keys.OpenPending(other(keys.SealPending(&pending)), &pending); !errors.Is(err, ErrForged) {
		t.Errorf("a pending cookie opens in another spelling: %v", err)
	}
}

func TestLives(t *testing.T) {
	user := UserCookie{Born: 20_000}
	for _, c := range []struct {
		on   storage.Day
		want bool
	}{{19_998, false}, {19_999, true}, {20_000, true}, {20_000 + Life - 1, true}, {20_000 + Life, false}} {
		if got := user.Alive(c.on); got != c.want {
			t.Errorf("cookie born on 20000 alive on %d = %v, want %v", c.on, got, c.want)
		}
	}
	at := time.Unix(1_700_000_000, 0)
	pending := PendingCookie{At: at}
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{-31 * time.Minute, false}, {-29 * time.Minute, true}, {0, true}, {PendingLife - 1, true}, {PendingLife, false}} {
		if got := pending.Alive(at.Add(c.after)); got != c.want {
			t.Errorf("pending cookie alive after %v = %v, want %v", c.after, got, c.want)
		}
	}
	if PendingLife+pendingAhead >= storage.ClaimLife {
		t.Errorf("a pending cookie is accepted for %v, as long as its claim is remembered (%v)", PendingLife+pendingAhead, storage.ClaimLife)
	}
}

func TestPartnerNames(t *testing.T) {
	keys := newKeys(t)
	for name, want := range map[string]bool{"file": true, "a": true, "dsp_2-eu": true, strings.Repeat("a", 64): true,
		"": false, "File": false, "-a": false, "_a": false, "a/b": false, "a b": false, "é": false, strings.Repeat("a", 65): false} {
		if _, err := keys.Partner(name); (err == nil) != want || err != nil && !errors.Is(err, ErrBadPartner) {
			t.Errorf("Partner(%q) = %v, want ok %v", name, err, want)
		}
	}
}

func TestPseudonymRoundTrip(t *testing.T) {
	partner, err := newKeys(t).Partner("file")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := storage.Ordinal(rapid.Uint32().Draw(t, "ordinal"))
		name := partner.Name([]byte("kept "), want)
		if !strings.HasPrefix(string(name), "kept p") || len(name) != len("kept ")+pseudonymToken {
			t.Fatalf("Name = %q", name)
		}
		got, err := partner.Open(name[len("kept "):])
		if err != nil || got != want {
			t.Fatalf("Open = %d, %v, want %d", got, err, want)
		}
	})
}

func FuzzOpenCookies(f *testing.F) {
	keys := newKeys(f)
	if err := keys.Rotate(); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(keys.SealUser(UserCookie{Ordinal: 1, Born: 20_000})))
	f.Add([]byte(keys.SealPending(&PendingCookie{Nonce: 1, Count: 16})))
	f.Add([]byte("u"))
	f.Fuzz(func(t *testing.T, value []byte) {
		// Whatever opens must be the one spelling of what it says.
		if c, old, err := keys.OpenUser(value); err == nil && !old && keys.SealUser(c) != string(value) {
			t.Errorf("%q opens as %v, which seals otherwise", value, c)
		}
		var pending PendingCookie
		if err := keys.OpenPending(value, &pending); err == nil && keys.SealPending(&pending) != string(value) {
			t.Errorf("%q opens as %v, which seals otherwise", value, pending)
		}
		partner, err := keys.Partner("file")
		if err != nil {
			t.Fatal(err)
		}
		if u, err := partner.Open(value); err == nil && string(partner.Name(nil, u)) != string(value) {
			t.Errorf("%q opens as user %d, who is named otherwise", value, u)
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	keys := newKeys(b)
	partner, err := keys.Partner("file")
	if err != nil {
		b.Fatal(err)
	}
	cookie := UserCookie{Ordinal: 1_000_000, Epoch: 1, Born: 20_000}
	value := []byte(keys.SealUser(cookie))
	forged := []byte("u" + strings.Repeat("A", 32))
	pending := PendingCookie{Nonce: 1, Count: 4}
	token := []byte(keys.SealPending(&pending))
	name := partner.Name(nil, 5)
	for _, c := range []struct {
		name string
		fn   func()
	}{
		{"seal user", func() { keys.SealUser(cookie) }},
		{"open user", func() { _, _, _ = keys.OpenUser(value) }},
		{"open forged user", func() { _, _, _ = keys.OpenUser(forged) }},
		{"seal pending", func() { keys.SealPending(&pending) }},
		{"open pending", func() { _ = keys.OpenPending(token, &pending) }},
		{"name", func() { name = partner.Name(name[:0], 5) }},
		{"open name", func() { _, _ = partner.Open(name) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.fn()
			}
		})
	}
}
