package pixel

import (
	"strings"
	"testing"

	"sosie/storage"
)

// TestOwnIDs follows the hits of a site that names its users itself.
func TestOwnIDs(t *testing.T) {
	h := openHouse(t, func(c *Config) {
		c.Sites = []Site{
			{Key: "shop", WithoutSignal: CollectWithoutSignal, Identity: Own, Secret: string(testSecret)},
			{Key: "news", WithoutSignal: CollectWithoutSignal, Secret: string(testSecret)},
		}
	})
	ana, bob := SignID(testSecret, "shop", "ana"), SignID(testSecret, "shop", "bob")
	phone, laptop := &browser{h: h}, &browser{h: h}
	first := h.store.HighWater()
	gpc := func(h *Hit) { h.GPC = true }
	for _, c := range []struct {
		name   string
		b      *browser
		query  string
		change func(*Hit)
		counts string
		users  string
	}{
		{"the first hit makes a user", phone, "s=shop&k=ana&h=" + ana, nil, "stored", "seen site/shop"},
		{"of any browser", laptop, "s=shop&k=ana&l=interest/tennis&h=" + ana, nil, "stored", "interest/tennis seen site/shop"},
		{"in upper case hexadecimal", laptop, "s=shop&k=ana&l=interest/01&h=" + strings.ToUpper(ana), nil, "stored", "interest/01 interest/tennis seen site/shop"},
		{"by a signature of another", laptop, "s=shop&k=ana&h=" + bob, nil, "id_forged pending", "interest/01 interest/tennis seen site/shop"},
		{"without one", laptop, "s=shop&k=ana", nil, "id_forged pending", "interest/01 interest/tennis seen site/shop"},
		{"of a site that names nobody", laptop, "s=news&k=ana&h=" + SignID(testSecret, "news", "ana"), nil, "pending", "interest/01 interest/tennis seen site/shop"},
		{"too long", laptop, "s=shop&k=" + strings.Repeat("a", 129) + "&h=" + SignID(testSecret, "shop", strings.Repeat("a", 129)), nil, "id_forged pending", "interest/01 interest/tennis seen site/shop"},
		{"nobody's, who refuses", phone, "s=shop&k=bob&h=" + bob, gpc, "refused_by_gpc", "interest/01 interest/tennis seen site/shop"},
		{"another id, another user", phone, "s=shop&k=bob&h=" + bob, nil, "stored", "interest/01 interest/tennis seen site/shop; seen site/shop"},
		{"lines of two users", nil, "s=shop&k=bob&l=interest/03&h=" + bob + "\ns=shop&k=ana&l=interest/04&h=" + ana + "\ns=shop&l=interest/05", nil,
			"line_foreign=2 stored", "interest/01 interest/tennis seen site/shop; interest/03 seen site/shop"},
		{"one who refuses", phone, "s=shop&k=ana&h=" + ana, gpc, "opted_out refused_by_gpc", "*opted-out interest/01 interest/tennis seen site/shop; interest/03 seen site/shop"},
		{"refuses for good", laptop, "s=shop&k=ana&l=interest/02&h=" + ana, nil, "refused_before", "*opted-out interest/01 interest/tennis seen site/shop; interest/03 seen site/shop"},
	} {
		send := phone.post
		if c.b != nil {
			send = c.b.get
			c.b.change, c.b.cookie = c.change, ""
		}
		before := h.Counters()
		r := send(c.query)
		if got := h.counts(t, before); got != c.counts {
			t.Errorf("%s: counted %q, want %q", c.name, got, c.counts)
		}
		if set := len(r.SetCookie) > 0; set != strings.Contains(c.counts, "pending") {
			t.Errorf("%s: Set-Cookie %q", c.name, r.SetCookie)
		}
		if got := h.carried(t, first, h.store.HighWater()); got != c.users {
			t.Errorf("%s: users carry %q, want %q", c.name, got, c.users)
		}
	}
	space, _ := h.store.LookupSpace("site/shop")
	if u, day, ok, err := h.store.IDs().Lookup(space, []byte("bob")); u != first+1 || day != storage.DayOf(noon) || !ok || err != nil {
		t.Errorf("bob is user %d of day %s, %v, %v", u, day, ok, err)
	}
}

// TestOwnIDsAndCookies sees that what a browser refuses is refused for the user of
// its cookie and for the one who is named, also one met a moment ago.
func TestOwnIDsAndCookies(t *testing.T) {
	h := openHouse(t, func(c *Config) {
		c.Sites = []Site{{Key: "shop", WithoutSignal: CollectWithoutSignal, Identity: Own, Secret: string(testSecret)}}
	})
	sealed := func() (*browser, storage.Ordinal) {
		b, u := h.newUser(t)
		value := b.cookie
		b.change = func(hit *Hit) { hit.Cookies = [][]byte{[]byte(FirstPartyPrefix + "shop=" + value)} }
		return b, u
	}
	signedIn := func(b *browser, id string, gpc bool) string {
		keep := b.change
		defer func() { b.change = keep }()
		b.change = func(hit *Hit) { keep(hit); hit.GPC = gpc }
		before := h.Counters()
		b.get("s=shop&l=interest/tennis&k=" + id + "&h=" + SignID(testSecret, "shop", id))
		return h.counts(t, before)
	}
	b, u := sealed()
	if got := signedIn(b, "ana", false); got != "stored" {
		t.Errorf("signed in: %q", got)
	}
	if got := signedIn(b, "ana", true); got != "opted_out=2 refused_by_gpc" { // before the fold
		t.Errorf("then refuses: %q", got)
	}
	if got, want := h.carried(t, u, u+2), "*opted-out; *opted-out interest/tennis seen site/shop"; got != want {
		t.Errorf("users %q, want %q", got, want)
	}
	if got := signedIn(b, "bob", false); got != "refused_before" {
		t.Errorf("another signs in at a browser that refused: %q", got)
	}
}
