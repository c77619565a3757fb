package pixel

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// The clock of tests starts at noon, so that an hour more or less is no other
// day.
var noon = time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)

const browserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"

// house is a pixel over a real store.
type house struct {
	*Pixel
	store  *storage.Store
	keys   *identity.Keys
	dir    string
	config Config
	now    atomic.Int64
}

var testSites = []Site{
	{Key: "news", WithoutSignal: CollectWithoutSignal, Writes: []string{"interest/*", "place/italy", "bought/*"}},
	{Key: "shop", WithoutSignal: CollectWithoutSignal},
	{Key: "quiet"},
	{Key: "first", WithoutSignal: CollectWithoutSignal, CountFirstHit: true},
}

func openHouse(t testing.TB, change ...func(*Config)) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), config: Config{Sites: testSites, Limits: DefaultLimits()}}
	for _, c := range change {
		c(&h.config)
	}
	h.now.Store(noon.UnixNano())
	h.openStore(t)
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	specs := []storage.LabelSpec{{Name: "place/italy"}, {Name: "place/france"}, {Name: "bought/racket", Signed: true}, {Name: "bought/ball", Signed: true}, {Name: "interest/tennis"}}
	for i := range 20 {
		specs = append(specs, storage.LabelSpec{Name: fmt.Sprintf("interest/%02d", i)})
	}
	if _, err := h.store.Declare(specs...); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.keys, err = identity.CreateKeys(filepath.Join(h.dir, "keys"), h.store.ID()); err != nil {
		t.Fatal(err)
	}
	h.openPixel(t, h.store)
	return h
}

func (h *house) openStore(t testing.TB) {
	t.Helper()
	var err error
	h.store, err = storage.Open(storage.Options{Dir: filepath.Join(h.dir, "store"), Reserve: 1,
		Clock: func() time.Time { return time.Unix(0, h.now.Load()).UTC() }})
	if err != nil {
		t.Fatal(err)
	}
}

// openPixel puts a new pixel in front of a recorder.
func (h *house) openPixel(t testing.TB, r Recorder) {
	t.Helper()
	var err error
	if h.Pixel, err = New(h.config, h.keys, r, func() time.Time { return time.Unix(0, h.now.Load()).UTC() }); err != nil {
		t.Fatal(err)
	}
}

// restart closes the store and opens all again.
func (h *house) restart(t testing.TB) {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.openStore(t)
	var err error
	if h.keys, err = identity.OpenKeys(filepath.Join(h.dir, "keys"), h.store.ID()); err != nil {
		t.Fatal(err)
	}
	h.openPixel(t, h.store)
}

func (h *house) pass(d time.Duration) { h.now.Add(int64(d)) }

// browser is a client that keeps the cookie it is given.
type browser struct {
	h      *house
	cookie string
	change func(*Hit)
}

func (b *browser) get(query string) *Reply {
	hit := &Hit{Path: []byte(Path), Query: []byte(query), Agent: []byte(browserAgent), Client: netip.MustParseAddr("192.0.2.1")}
	if b.cookie != "" {
		hit.Cookies = [][]byte{[]byte("other=1; " + CookieName + "=" + b.cookie)}
	}
	if b.change != nil {
		b.change(hit)
	}
	r := new(Reply)
	b.h.Answer(hit, r)
	if value := cookieValue(r); value != "" {
		b.cookie = value
	}
	return r
}

func cookieValue(r *Reply) string {
	value, _, _ := strings.Cut(string(r.SetCookie), ";")
	return strings.TrimPrefix(value, CookieName+"=")
}

// newUser returns a browser whose cookie is that of a user who carries nothing.
func (h *house) newUser(t testing.TB) (*browser, storage.Ordinal) {
	t.Helper()
	u, err := h.store.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	born := storage.DayOf(noon)
	return &browser{h: h, cookie: h.keys.SealUser(identity.UserCookie{Ordinal: u, Epoch: h.store.Epoch(), Born: born})}, u
}

// carried writes what users from one ordinal to another carry, such as
// "interest/tennis seen site/news; seen@-1", days relative to the clock's first.
func (h *house) carried(t testing.TB, from, to storage.Ordinal) string {
	t.Helper()
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	view := h.store.View()
	var users []string
	for u := from; u < to; u++ {
		var labels []string
		if err := view.UserDays(u, func(l storage.Label, day storage.Day) {
			name := view.Labels().Spec(l).Name
			if d := day - storage.DayOf(noon); d != 0 {
				name += fmt.Sprintf("@%+d", d)
			}
			labels = append(labels, name)
		}); err != nil {
			t.Fatal(err)
		}
		for _, m := range []storage.Mask{storage.Erased, storage.OptedOut} {
			if view.Masked(m, u) {
				labels = append(labels, "*"+m.String())
			}
		}
		slices.Sort(labels)
		users = append(users, strings.Join(labels, " "))
	}
	return strings.Join(users, "; ")
}

// counts writes the counters that are not 0, Hits left out, less what they were.
func (h *house) counts(t testing.TB, before Counters) string {
	t.Helper()
	fields := func(c Counters) (m map[string]uint64) {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	was, is := fields(before), fields(h.Counters())
	var out []string
	for name, n := range is {
		switch n -= was[name]; {
		case n == 0 || name == "hits":
		case n == 1:
			out = append(out, name)
		default:
			out = append(out, fmt.Sprintf("%s=%d", name, n))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
