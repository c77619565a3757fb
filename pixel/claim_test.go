package pixel

import (
	"flag"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// TestPendingBecomesUser follows one browser over midnight.
func TestPendingBecomesUser(t *testing.T) {
	h := openHouse(t)
	b := &browser{h: h}
	b.get("s=news&l=interest/tennis")
	if got := h.store.HighWater(); got != 0 {
		t.Fatalf("the first hit made %d users", got)
	}
	h.pass(20 * time.Hour)
	b.get("s=shop&l=place/france")
	var again identity.UserCookie
	again, _, err := h.keys.OpenUser([]byte(b.cookie))
	if err != nil || again.Born != storage.DayOf(noon) {
		t.Errorf("user cookie %+v, %v, want one born on the day of the first hit", again, err)
	}
	b.get("s=shop")
	if got, want := h.carried(t, 0, h.store.HighWater()), "interest/tennis place/france@+1 seen seen@+1 site/news site/shop@+1"; got != want {
		t.Errorf("users carry %q, want %q", got, want)
	}
	if got, want := h.counts(t, Counters{}), "claimed pending stored=2"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}

// TestPendingCarriesSixteenLabels sees which labels a pending cookie keeps.
func TestPendingCarriesSixteenLabels(t *testing.T) {
	h := openHouse(t)
	b := &browser{h: h}
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprintf("interest/%02d", i)
	}
	b.get("s=news&l=" + strings.Join(names, ","))
	b.get("s=news")
	want := strings.Join(names[:identity.MaxPendingLabels], " ") + " seen site/news"
	if got := h.carried(t, 0, h.store.HighWater()); got != want {
		t.Errorf("users carry %q, want %q", got, want)
	}
	if got, want := h.counts(t, Counters{}), "claimed label_excess=4 pending stored"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}

// TestRefusedPendingIsNotStored sees that a pending cookie sealed with a refusal
// becomes a user without the hit it stands for.
func TestRefusedPendingIsNotStored(t *testing.T) {
	h := openHouse(t)
	site, _ := h.store.Labels().Site("shop")
	b := &browser{h: h, cookie: h.keys.SealPending(&identity.PendingCookie{Nonce: 5, Site: site, At: noon, Epoch: h.store.Epoch()})}
	b.get("s=news")
	if got, want := h.carried(t, 0, h.store.HighWater()), "seen site/news"; got != want {
		t.Errorf("users carry %q, want %q", got, want)
	}
}

// TestParallelReturns sends one pending cookie from many connections at once.
func TestParallelReturns(t *testing.T) {
	h := openHouse(t)
	b := &browser{h: h}
	b.get("s=news")
	pending := b.cookie
	cookies := make([]string, 32)
	var wg sync.WaitGroup
	for i := range cookies {
		wg.Go(func() {
			b := &browser{h: h, cookie: pending}
			b.get(fmt.Sprintf("s=news&l=interest/%02d", i%20))
			cookies[i] = b.cookie
		})
	}
	wg.Wait()
	for _, c := range cookies {
		if c != cookies[0] || c[0] != 'u' {
			t.Fatalf("parallel returns got the cookies %s and %s", cookies[0], c)
		}
	}
	cookie, _, err := h.keys.OpenUser([]byte(cookies[0]))
	if err != nil {
		t.Fatal(err)
	}
	for u := range h.store.HighWater() {
		got := h.carried(t, u, u+1)
		if u == cookie.Ordinal && strings.Count(got, "interest/") != 20 || u != cookie.Ordinal && got != "" {
			t.Errorf("user %d carries %q", u, got)
		}
	}
}

var replays = flag.Int("replays", 300, "returns of one pending cookie; the full proof takes 100000")

// TestReplayedPending sends one pending cookie again and again, to the end of
// its life.
func TestReplayedPending(t *testing.T) {
	rounds := *replays
	wait := identity.PendingLife / time.Duration(rounds+1)
	h := openHouse(t)
	b := &browser{h: h}
	b.get("s=news")
	pending := b.cookie
	for i := range rounds {
		h.pass(wait)
		b := &browser{h: h, cookie: pending}
		if b.get("s=news"); b.cookie[0] != 'u' {
			t.Fatalf("return %d got %s", i, b.cookie)
		}
		if i%(1+rounds/30) == 0 {
			if err := h.store.Sync(); err != nil { // a claim in the log, not only in memory
				t.Fatal(err)
			}
		}
	}
	if got := h.store.HighWater(); got != 1 {
		t.Errorf("one pending cookie became %d users", got)
	}
	h.pass(wait * 2)
	before := h.Counters()
	(&browser{h: h, cookie: pending}).get("s=news")
	if got, want := h.counts(t, before), "cookie_expired pending"; got != want {
		t.Errorf("after its life it is counted %q, want %q", got, want)
	}
}

// TestClaimSurvivesRestart replays a pending cookie after the process that saw
// its claim has gone.
func TestClaimSurvivesRestart(t *testing.T) {
	h := openHouse(t)
	b := &browser{h: h}
	b.get("s=news")
	pending := b.cookie
	b.get("s=news")
	h.restart(t)
	replay := &browser{h: h, cookie: pending}
	replay.get("s=news&l=interest/tennis")
	if replay.cookie != b.cookie || h.store.HighWater() != 1 {
		t.Errorf("after a restart the pending cookie became %s, before it %s", replay.cookie, b.cookie)
	}
	if got, want := h.carried(t, 0, 1), "interest/tennis seen site/news"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
}

// TestReplayIsNotCharged sees that only new users count against the limit of an
// address.
func TestReplayIsNotCharged(t *testing.T) {
	h := openHouse(t, func(c *Config) { c.Limits.ClaimsPerHour = 2 })
	b := &browser{h: h}
	b.get("s=news")
	pending := b.cookie
	b.get("s=news")
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	before := h.Counters()
	for range 5 {
		(&browser{h: h, cookie: pending}).get("s=news")
	}
	if got, want := h.counts(t, before), "stored=5"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}

// TestReplayAfterErasureAndOptOut replays the pending cookie of users who are
// gone.
func TestReplayAfterErasureAndOptOut(t *testing.T) {
	for _, c := range []struct {
		mask   storage.Mask
		counts string
		kind   byte
	}{{storage.Erased, "cookie_erased pending", 'n'}, {storage.OptedOut, "refused_before", 'n'}} {
		h := openHouse(t)
		b := &browser{h: h}
		b.get("s=news")
		pending := b.cookie
		b.get("s=news")
		var records storage.Records
		records.Mask(c.mask, 0, true)
		if _, err := h.store.Append(&records); err != nil {
			t.Fatal(err)
		}
		if err := h.store.Sync(); err != nil {
			t.Fatal(err)
		}
		before := h.Counters()
		replay := &browser{h: h, cookie: pending}
		replay.get("s=news")
		if got := h.counts(t, before); got != c.counts || replay.cookie[0] != c.kind || h.store.HighWater() != 1 {
			t.Errorf("%v: counted %q, cookie %s, %d users, want %q", c.mask, got, replay.cookie, h.store.HighWater(), c.counts)
		}
		if c.mask == storage.Erased && replay.cookie == pending {
			t.Error("the pending cookie of an erased user stays")
		}
	}
}

// TestClaimLimit sees how many users one address can make.
func TestClaimLimit(t *testing.T) {
	h := openHouse(t, func(c *Config) { c.Limits.ClaimsPerHour = 3 })
	visit := func(address string) (cookie, counts string) {
		from := func(h *Hit) { h.Client = netip.MustParseAddr(address) }
		b := &browser{h: h, change: from}
		b.get("s=news")
		pending, before := b.cookie, h.Counters()
		b.get("s=news")
		if b.cookie == pending {
			return "same", h.counts(t, before)
		}
		return b.cookie[:1], h.counts(t, before)
	}
	for _, c := range []struct{ name, address, cookie, counts string }{
		{"first", "192.0.2.1", "u", "claimed stored"},
		{"second", "192.0.2.1", "u", "claimed stored"},
		{"third", "192.0.2.1", "u", "claimed stored"},
		{"fourth", "192.0.2.1", "same", "claim_limited"},
		{"neighbour", "192.0.2.2", "u", "claimed stored"},
		{"mapped into IPv6", "::ffff:192.0.2.1", "same", "claim_limited"},
		{"/64, first", "2001:db8:0:1::1", "u", "claimed stored"},
		{"/64, second", "2001:db8:0:1::2", "u", "claimed stored"},
		{"/64, third", "2001:db8:0:1:ffff::", "u", "claimed stored"},
		{"/64, fourth", "2001:db8:0:1::3", "same", "claim_limited"},
		{"next /64", "2001:db8:0:2::1", "u", "claimed stored"},
	} {
		if cookie, counts := visit(c.address); cookie != c.cookie || counts != c.counts {
			t.Errorf("%s: cookie %s, counted %q, want %s, %q", c.name, cookie, counts, c.cookie, c.counts)
		}
	}
	if got := h.store.HighWater(); got != 8 {
		t.Errorf("%d users, want 8", got)
	}
}

// TestRefusalEndsPendingCookie covers a browser that refuses after its first
// hit: also where it became a user and only the answer was lost.
func TestRefusalEndsPendingCookie(t *testing.T) {
	for _, lost := range []bool{false, true} {
		h := openHouse(t)
		b := &browser{h: h}
		b.get("s=news&l=interest/tennis")
		pending := b.cookie
		if lost {
			b.get("s=news")
			b.cookie = pending
		}
		before := h.Counters()
		b.change = func(h *Hit) { h.GPC = true }
		if r := b.get("s=news"); !strings.Contains(string(r.SetCookie), "Max-Age=0;") {
			t.Errorf("lost %t: the pending cookie stays: %q", lost, r.SetCookie)
		}
		want := "refused_by_gpc"
		if lost {
			want = "opted_out " + want
		}
		if got := h.counts(t, before); got != want {
			t.Errorf("lost %t: counted %q, want %q", lost, got, want)
		}
	}
}
