package pixel

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var testSecret = []byte("0123456789abcdef-secret")

func signedSites(c *Config) {
	c.Sites = []Site{
		{Key: "shop", WithoutSignal: CollectWithoutSignal, Secret: string(testSecret)},
		{Key: "news", WithoutSignal: CollectWithoutSignal, Secret: string(testSecret), Writes: []string{"interest/*"}},
		{Key: "plain", WithoutSignal: CollectWithoutSignal},
	}
}

// TestSignedLabels asks which signatures let a hit write a signed label.
func TestSignedLabels(t *testing.T) {
	h := openHouse(t, signedSites)
	h.pass(2 * time.Hour) // the pixel was opened before
	now := func() time.Time { return time.Unix(0, h.now.Load()) }
	query := func(site, labels, signature string, at time.Time) string {
		return fmt.Sprintf("s=%s&l=%s&x=%d&g=%s", site, labels, at.Unix(), signature)
	}
	one := []string{"bought/racket"}
	good := Sign(testSecret, "shop", one, now())
	for _, c := range []struct {
		name, query, counts string
	}{
		{"none", "s=shop&l=bought/racket", "label_signed stored"},
		{"good", query("shop", "bought/racket", good, now()), "stored"},
		{"used", query("shop", "bought/racket", good, now()), "signature_replayed stored"},
		{"two labels", query("shop", "interest/tennis,bought/racket", Sign(testSecret, "shop", []string{"interest/tennis", "bought/racket"}, now()), now()), "stored"},
		{"two signed labels", query("shop", "bought/ball,bought/racket", Sign(testSecret, "shop", []string{"bought/ball", "bought/racket"}, now()), now()), "stored"},
		{"of other labels", query("shop", "bought/racket", Sign(testSecret, "shop", []string{"interest/tennis"}, now()), now()), "signature_forged stored"},
		{"of another site", query("shop", "bought/racket", Sign(testSecret, "plain", one, now()), now()), "signature_forged stored"},
		{"of another time", query("shop", "bought/racket", Sign(testSecret, "shop", one, now().Add(time.Second)), now()), "signature_forged stored"},
		{"of another secret", query("shop", "bought/racket", Sign([]byte("another-secret-of-ours"), "shop", one, now()), now()), "signature_forged stored"},
		{"cut", query("shop", "bought/racket", good[:62], now()), "signature_forged stored"},
		{"longer", query("shop", "bought/racket", good+"00", now()), "signature_forged stored"},
		{"old", query("shop", "bought/racket", Sign(testSecret, "shop", one, now().Add(-61*time.Minute)), now().Add(-61*time.Minute)), "signature_expired stored"},
		{"ahead", query("shop", "bought/racket", Sign(testSecret, "shop", one, now().Add(6*time.Minute)), now().Add(6*time.Minute)), "signature_expired stored"},
		{"no secret", query("plain", "bought/racket", Sign(nil, "plain", one, now()), now()), "label_signed stored"},
		{"not the site's to write", query("news", "bought/racket", Sign(testSecret, "news", one, now()), now()), "label_forbidden stored"},
	} {
		b, u := h.newUser(t)
		before := h.Counters()
		b.get(c.query)
		if got := h.counts(t, before); got != c.counts {
			t.Errorf("%s: counted %q, want %q", c.name, got, c.counts)
		}
		carries := h.carried(t, u, u+1)
		if wrote := c.counts == "stored"; wrote != (carries == "bought/racket seen site/shop" || carries == "bought/racket interest/tennis seen site/shop" ||
			carries == "bought/ball bought/racket seen site/shop") {
			t.Errorf("%s: the user carries %q", c.name, carries)
		}
	}
}

// TestSignedLabelOfAStranger sees that a signed label makes a user at once: a
// purchase is not lost to a browser that never comes back.
func TestSignedLabelOfAStranger(t *testing.T) {
	h := openHouse(t, signedSites)
	h.pass(time.Minute)
	at := time.Unix(0, h.now.Load())
	b := &browser{h: h}
	b.get(fmt.Sprintf("s=shop&l=bought/racket&x=%d&g=%s", at.Unix(), Sign(testSecret, "shop", []string{"bought/racket"}, at)))
	if got, want := h.carried(t, 0, h.store.HighWater()), "bought/racket seen site/shop"; got != want {
		t.Errorf("users carry %q, want %q", got, want)
	}
}

// TestSignatureOfBeforeTheStart sees that what may have been used before a restart
// is not taken.
func TestSignatureOfBeforeTheStart(t *testing.T) {
	h := openHouse(t, signedSites)
	at := time.Unix(0, h.now.Load()).Add(signatureAhead - time.Second) // may have been used ahead of its time
	b, u := h.newUser(t)
	b.get(fmt.Sprintf("s=shop&l=bought/racket&x=%d&g=%s", at.Unix(), Sign(testSecret, "shop", []string{"bought/racket"}, at)))
	if got := h.carried(t, u, u+1); got != "seen site/shop" {
		t.Errorf("the user carries %q", got)
	}
}

// TestSignatureOutlivesAFailure sees that a signature whose hit could not be stored
// is good once more.
func TestSignatureOutlivesAFailure(t *testing.T) {
	h := openHouse(t, signedSites)
	store := &failing{Store: h.store, append: errors.New("?")}
	h.openPixel(t, store)
	h.pass(time.Minute)
	at := time.Unix(0, h.now.Load())
	signed := func(label string) string {
		return fmt.Sprintf("s=shop&l=%s&x=%d&g=%s", label, at.Unix(), Sign(testSecret, "shop", []string{label}, at))
	}
	both := signed("bought/racket") + "\n" + signed("bought/ball")
	b, u := h.newUser(t)
	if r := b.post(both); r.Status != 503 {
		t.Fatalf("answer %d", r.Status)
	}
	store.append = nil
	b.post(both)
	if got, want := h.carried(t, u, u+1), "bought/ball bought/racket seen site/shop"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
}

// TestSignatureOutlivesALimit sees that a purchase behind a busy address can be sent
// again.
func TestSignatureOutlivesALimit(t *testing.T) {
	h := openHouse(t, signedSites, func(c *Config) { c.Limits.ClaimsPerHour = 1 })
	h.pass(time.Minute)
	at := time.Unix(0, h.now.Load())
	query := fmt.Sprintf("s=shop&l=bought/racket&x=%d&g=%s", at.Unix(), Sign(testSecret, "shop", []string{"bought/racket"}, at))
	h.claims.take(networkOf(netip.MustParseAddr("192.0.2.1")), h.elapsed())
	b := &browser{h: h}
	b.get(query)
	b.change = from(1)
	before := h.Counters()
	b.get(query)
	if got := h.counts(t, before); got != "counted stored" {
		t.Errorf("counted %q", got)
	}
}

// TestSignaturesAreForgotten lets hours go by.
func TestSignaturesAreForgotten(t *testing.T) {
	var s signatures
	at := noon
	if !s.use(1, [32]byte{1}, at) || s.use(1, [32]byte{1}, at) {
		t.Fatal("a signature is good once")
	}
	at = at.Add(signatureLife + signatureAhead + time.Second)
	s.use(1, [32]byte{2}, at)
	if s.use(1, [32]byte{1}, at) {
		t.Error("forgotten too soon: it may still be good")
	}
	at = at.Add(signatureLife + signatureAhead + time.Second)
	s.use(1, [32]byte{3}, at)
	if len(s.young)+len(s.old) != 2 {
		t.Errorf("%d signatures are remembered", len(s.young)+len(s.old))
	}
}
