package pixel

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// TestHitOfAUser asks what one hit of a known user does.
func TestHitOfAUser(t *testing.T) {
	h := openHouse(t)
	header := func(cookies ...string) func(*Hit) {
		return func(h *Hit) {
			own := h.Cookies[0]
			h.Cookies = nil
			for _, c := range cookies {
				h.Cookies = append(h.Cookies, bytes.ReplaceAll([]byte(c), []byte("OWN"), own))
			}
		}
	}
	robot := func(h *Hit) {
		h.Agent = []byte("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	}
	const news, quiet = "interest/tennis seen site/news", ""
	for _, c := range []struct {
		name, query string
		change      func(*Hit)
		counts      string
		carried     string
	}{
		{"site alone", "s=news", nil, "stored", "seen site/news"},
		{"label", "s=news&l=interest/tennis", nil, "stored", news},
		{"two labels", "s=news&l=place/italy,interest/tennis", nil, "stored", "interest/tennis place/italy seen site/news"},
		{"two parameters", "s=news&l=place/italy&l=interest/tennis", nil, "stored", "interest/tennis place/italy seen site/news"},
		{"label twice", "s=news&l=interest/tennis,interest/tennis", nil, "stored", news},
		{"upper case", "s=NEWS&l=Interest/Tennis", nil, "stored", news},
		{"percent", "s=n%65ws&l=interest%2ftennis%2Cplace/italy", nil, "stored", "interest/tennis place/italy seen site/news"},
		{"parameter against caches", "cb=12&s=news&l=interest/tennis&x", nil, "stored", news},
		{"empty labels", "s=news&l=,,&l=", nil, "stored", "seen site/news"},
		{"unknown label", "s=news&l=interest/golf,interest/tennis", nil, "label_unknown stored", news},
		{"malformed label", "s=news&l=%22drop%22,interest/tennis", nil, "label_malformed stored", news},
		{"long label", "s=news&l=" + strings.Repeat("a", 129) + ",interest/tennis", nil, "label_malformed stored", news},
		{"bad percent", "s=news&l=interest%2,%zz,interest/tennis", nil, "malformed=2 stored", news},
		{"label the site may not write", "s=news&l=place/france,interest/tennis", nil, "label_forbidden stored", news},
		{"label any site may write", "s=shop&l=place/france", nil, "stored", "place/france seen site/shop"},
		{"signed label", "s=news&l=bought/racket,interest/tennis", nil, "label_signed stored", news},
		{"reserved label", "s=shop&l=seen,site/news", nil, "label_forbidden=2 stored", "seen site/shop"},
		{"second site", "s=news&s=shop&l=interest/tennis", nil, "malformed stored", news},
		{"too many labels", "s=news&l=interest/tennis" + strings.Repeat(",interest/tennis", 64), nil, "label_excess stored", news},
		{"unknown site", "s=golf&l=interest/tennis", nil, "unknown_site", quiet},
		{"no site", "l=interest/tennis", nil, "unknown_site", quiet},
		{"malformed site", "s=news%&l=interest/tennis", nil, "unknown_site", quiet},
		{"long query", "s=news&l=interest/tennis&x=" + strings.Repeat("y", 4096), nil, "too_long", quiet},
		{"head", "s=news&l=interest/tennis", func(h *Hit) { h.Head = true }, "head", quiet},
		{"prefetch", "s=news&l=interest/tennis", func(h *Hit) { h.Prefetch = true }, "prefetch", quiet},
		{"body", "s=news&l=interest/tennis", func(h *Hit) { h.Body = true }, "body", quiet},
		{"robot", "s=news&l=interest/tennis", robot, "robot", quiet},
		{"no agent", "s=news&l=interest/tennis", func(h *Hit) { h.Agent = nil }, "stored", news},
		{"second cookie header", "s=news&l=interest/tennis", header("a=b", "OWN"), "stored", news},
		{"cookie after a forged one", "s=news&l=interest/tennis", header("sosie=forged; OWN"), "cookie_forged stored", news},
		{"cookie after four forged ones", "s=news&l=interest/tennis", header("sosie=1; sosie=2; sosie=3; sosie=4; OWN"), "cookie_forged=4 pending", quiet},
		{"cookie of a longer name", "s=news&l=interest/tennis", header("sosiexyz=1; OWN"), "stored", news},
		{"gpc", "s=news&l=interest/tennis", func(h *Hit) { h.GPC = true }, "opted_out refused_by_gpc", "*opted-out"},
		{"gpc where nothing is collected", "s=quiet&l=interest/tennis", func(h *Hit) { h.GPC = true }, "opted_out refused_by_gpc", "*opted-out"},
		{"opt-out cookie", "s=news&l=interest/tennis", header("OWN; sosie_optout=1"), "opted_out refused_by_cookie", "*opted-out"},
		{"opt-out cookie in a second header", "s=news&l=interest/tennis", header("OWN", "sosie_optout=1"), "opted_out refused_by_cookie", "*opted-out"},
		{"opt-out cookie of another value", "s=news&l=interest/tennis", header("OWN; sosie_optout=0"), "stored", news},
		{"no signal", "s=quiet&l=interest/tennis", nil, "refused_by_default", quiet},
		{"consent string", "s=news&l=interest/tennis&gdpr=1&gdpr_consent=CQ", nil, "refused_by_signal", quiet},
		{"a law applies, and no string", "s=news&l=interest/tennis&gdpr=1", nil, "refused_by_signal", quiet},
		{"a section applies, and no string", "s=news&l=interest/tennis&gpp_sid=7", nil, "refused_by_signal", quiet},
		{"empty consent string", "s=news&l=interest/tennis&gdpr=0&gdpr_consent=&gpp=", nil, "stored", news},
		{"privacy string", "s=news&l=interest/tennis&us_privacy=1YYN", nil, "refused_by_signal", quiet},
		{"gpc of a prefetch", "s=news", func(h *Hit) { h.GPC, h.Prefetch = true, true }, "prefetch", quiet},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, u := h.newUser(t)
			b.change = c.change
			before := h.Counters()
			r := b.get(c.query)
			wantStatus, wantBody := 200, len(gif)
			if c.counts == "unknown_site" {
				wantStatus, wantBody = 403, 0
			}
			if r.Status != wantStatus || len(r.Body) != wantBody {
				t.Errorf("answer %d with %d bytes, want %d with %d", r.Status, len(r.Body), wantStatus, wantBody)
			}
			if len(r.SetCookie) > 0 != strings.Contains(c.counts, "pending") {
				t.Errorf("Set-Cookie: %s", r.SetCookie)
			}
			if got := h.counts(t, before); got != c.counts {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			if got := h.Counters().Hits - before.Hits; got != 1 {
				t.Errorf("counted as %d hits", got)
			}
			if got := h.carried(t, u, u+1); got != c.carried {
				t.Errorf("the user carries %q, want %q", got, c.carried)
			}
		})
	}
}

// TestHitOfAStranger asks what one hit without a good cookie does. It never
// makes a user, except where the site asks for it.
func TestHitOfAStranger(t *testing.T) {
	h := openHouse(t)
	today := storage.DayOf(noon)
	seal := func(u storage.Ordinal, epoch uint16, born storage.Day) string {
		return h.keys.SealUser(identity.UserCookie{Ordinal: u, Epoch: epoch, Born: born})
	}
	pending := func(age time.Duration, epoch uint16) string {
		return h.keys.SealPending(&identity.PendingCookie{Nonce: 1, At: noon.Add(-age), Epoch: epoch, Decision: identity.Collect})
	}
	epoch := h.store.Epoch()
	_, erased := h.newUser(t)
	_, alive := h.newUser(t)
	var records storage.Records
	records.Mask(storage.Erased, erased, true)
	if _, err := h.store.Append(&records); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	gpc := func(h *Hit) { h.GPC = true }
	optOut := func(h *Hit) { h.Cookies = [][]byte{[]byte("sosie_optout=1")} }
	for _, c := range []struct {
		name, query, cookie string
		change              func(*Hit)
		counts, sets        string // sets is the kind of the cookie
	}{
		{"no cookie", "s=news&l=interest/tennis", "", nil, "pending", "n"},
		{"no signal", "s=quiet", "", nil, "refused_by_default", ""},
		{"gpc", "s=news", "", gpc, "refused_by_gpc", ""},
		{"opt-out cookie", "s=news", "", optOut, "refused_by_cookie", ""},
		{"forged", "s=news", "u" + strings.Repeat("A", 32), nil, "cookie_forged pending", "n"},
		{"rubbish", "s=news", strings.Repeat("%00", 1000), nil, "cookie_forged pending", "n"},
		{"last day of its life", "s=news", seal(alive, epoch, today-identity.Life+1), nil, "stored", ""},
		{"past its life", "s=news", seal(alive, epoch, today-identity.Life), nil, "cookie_expired pending", "n"},
		{"born in the future", "s=news", seal(alive, epoch, today+2), nil, "cookie_expired pending", "n"},
		{"earlier epoch", "s=news", seal(alive, epoch-1, today), nil, "resealed stored", "u"},
		{"later epoch", "s=news", seal(alive, epoch+1, today), nil, "cookie_foreign pending", "n"},
		{"earlier epoch, ordinal never issued", "s=news", seal(1_000_000, epoch-1, today), nil, "cookie_foreign pending", "n"},
		{"ordinal never issued", "s=news", seal(1_000_000, epoch, today), nil, "cookie_foreign pending", "n"},
		{"erased", "s=news", seal(erased, epoch, today), nil, "cookie_erased pending", "n"},
		{"erased, with gpc", "s=news", seal(erased, epoch, today), gpc, "cookie_erased refused_by_gpc", ""},
		{"pending too old", "s=news", pending(identity.PendingLife, epoch), nil, "cookie_expired pending", "n"},
		{"pending from the future", "s=news", pending(-time.Hour, epoch), nil, "cookie_expired pending", "n"},
		{"pending of another epoch", "s=news", pending(0, epoch-1), nil, "cookie_foreign pending", "n"},
		{"pending, with gpc", "s=news", pending(0, epoch), gpc, "refused_by_gpc", ""},
		{"pending, where nothing is collected", "s=quiet", pending(0, epoch), nil, "refused_by_default", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, users := h.Counters(), h.store.HighWater()
			b := &browser{h: h, cookie: c.cookie, change: c.change}
			r := b.get(c.query)
			if r.Status != 200 || !bytes.Equal(r.Body, gif) {
				t.Errorf("answer %d", r.Status)
			}
			if got := cookieValue(r); got[:min(len(got), 1)] != c.sets {
				t.Errorf("sets %q, want kind %q", got, c.sets)
			}
			if got := h.counts(t, before); got != c.counts {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			if got := h.store.HighWater(); got != users {
				t.Errorf("%d users were made", got-users)
			}
		})
	}
}

func TestOtherPaths(t *testing.T) {
	h := openHouse(t)
	for path, want := range map[string]int{HealthPath: 200, "/": 404, "/p.gif/": 404, "//p.gif": 404, "/P.GIF": 404, "/status": 404, "": 404} {
		r := new(Reply)
		h.Answer(&Hit{Path: []byte(path), Query: []byte("s=news")}, r)
		if r.Status != want || len(r.SetCookie) > 0 {
			t.Errorf("%q is answered %d, Set-Cookie %q, want %d", path, r.Status, r.SetCookie, want)
		}
	}
	if c := h.Counters(); c.NotFound != 6 || c.Hits != 0 {
		t.Errorf("not found %d, hits %d, want 6, 0", c.NotFound, c.Hits)
	}
}

func TestCountFirstHit(t *testing.T) {
	h := openHouse(t)
	b := &browser{h: h}
	b.get("s=first&l=interest/tennis")
	h.pass(24 * time.Hour)
	if r := b.get("s=news"); len(r.SetCookie) > 0 {
		t.Errorf("second hit sets %s", r.SetCookie)
	}
	if got, want := h.carried(t, 0, h.store.HighWater()), "interest/tennis seen seen@+1 site/first site/news@+1"; got != want {
		t.Errorf("users carry %q, want %q", got, want)
	}
	if got, want := h.counts(t, Counters{}), "counted stored=2"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}

func TestCookieAttributes(t *testing.T) {
	days := int64(identity.Life) * 86400
	h := openHouse(t)
	secure := openHouse(t, func(c *Config) { c.PublicURL = "HTTPS://p.example.com" })
	tls := func(h *Hit) { h.Secure = true }
	for _, c := range []struct {
		name   string
		h      *house
		query  string
		change func(*Hit)
		want   string
	}{
		{"pending, plain", h, "s=news", nil, "Path=/; Max-Age=82800; HttpOnly; SameSite=Lax"},
		{"pending, tls", h, "s=news", tls, "Path=/; Max-Age=82800; HttpOnly; SameSite=None; Secure"},
		{"pending, public over tls", secure, "s=news", nil, "Path=/; Max-Age=82800; HttpOnly; SameSite=None; Secure"},
		{"user at noon, plain", h, "s=first", nil, "Path=/; Max-Age=34171200; HttpOnly; SameSite=Lax"},
		{"user at noon, tls", h, "s=first", tls, "Path=/; Max-Age=34171200; HttpOnly; SameSite=None; Secure"},
	} {
		r := (&browser{h: c.h, change: c.change}).get(c.query)
		if _, got, _ := strings.Cut(string(r.SetCookie), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if days-12*3600 != 34171200 {
		t.Error("the table does not fit the life of cookies")
	}
}

// TestLifeIsNotExtended sees that a cookie sent again ends when the first did.
func TestLifeIsNotExtended(t *testing.T) {
	h := openHouse(t)
	b, _ := h.newUser(t)
	h.pass(300 * 24 * time.Hour)
	if err := h.keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	before := h.Counters()
	r := b.get("s=news")
	if want := "Max-Age=8251200;"; !strings.Contains(string(r.SetCookie), want) { // 95.5 days
		t.Errorf("after 300 days and a rotation: Set-Cookie: %s, want %s", r.SetCookie, want)
	}
	if r := b.get("s=news"); len(r.SetCookie) > 0 {
		t.Errorf("the cookie of the new key is sent again: %s", r.SetCookie)
	}
	if got, want := h.counts(t, before), "resealed stored=2"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}
