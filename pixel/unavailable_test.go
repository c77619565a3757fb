package pixel

import (
	"errors"
	"fmt"
	"testing"

	"sosie/storage"
)

// failing is a store whose device fails, or that has run out of users.
type failing struct {
	*storage.Store
	append, resolve, user, broken error
	appended                      int
}

func (f *failing) Broken() error { return f.broken }

func (f *failing) Append(r *storage.Records) (uint64, error) {
	f.appended++
	if f.append != nil {
		return 0, f.append
	}
	return f.Store.Append(r)
}

func (f *failing) ResolveClaim(nonce uint64) (storage.Ordinal, bool, error) {
	if f.resolve != nil {
		return 0, false, f.resolve
	}
	return f.Store.ResolveClaim(nonce)
}

func (f *failing) NewUser() (storage.Ordinal, error) {
	if f.user != nil {
		return 0, f.user
	}
	return f.Store.NewUser()
}

// TestUnavailable sees that what cannot be made durable is answered 503, leaves
// the browser's cookie as it was, and goes on when the device has recovered.
func TestUnavailable(t *testing.T) {
	h := openHouse(t)
	store := &failing{Store: h.store}
	h.openPixel(t, store)
	full := fmt.Errorf("append: %w", storage.ErrFull)
	gpc := func(h *Hit) { h.GPC = true }
	for _, c := range []struct {
		name, query           string
		prepare               func() *browser
		append, resolve, user error
		counts, after         string
	}{
		{"user, full", "s=news", func() *browser { b, _ := h.newUser(t); return b }, full, nil, nil, "store_full", "stored"},
		{"user, stopped", "s=news", func() *browser { b, _ := h.newUser(t); return b }, storage.ErrStopped, nil, nil, "store_stopped", "stored"},
		{"user, otherwise", "s=news", func() *browser { b, _ := h.newUser(t); return b }, errors.New("?"), nil, nil, "store_failed", "stored"},
		{"claim, full", "s=news", func() *browser { b := &browser{h: h}; b.get("s=news"); return b }, full, nil, nil, "store_full", "claimed stored"},
		{"claim, no ordinal", "s=news", func() *browser { b := &browser{h: h}; b.get("s=news"); return b }, nil, full, nil, "store_full", "claimed stored"},
		{"first hit, full", "s=first", func() *browser { return &browser{h: h} }, full, nil, nil, "store_full", "counted stored"},
		{"first hit, no ordinal", "s=first", func() *browser { return &browser{h: h} }, nil, nil, storage.ErrNoOrdinals, "store_failed", "counted stored"},
		{"opt-out, full", "s=news", func() *browser { b, _ := h.newUser(t); b.change = gpc; return b }, full, nil, nil, "store_full", "opted_out refused_by_gpc"},
		{"pending needs no store", "s=news", func() *browser { return &browser{h: h} }, full, full, full, "pending", "claimed stored"},
	} {
		store.append, store.resolve, store.user = nil, nil, nil
		b := c.prepare()
		store.append, store.resolve, store.user = c.append, c.resolve, c.user
		before, cookie := h.Counters(), b.cookie
		r := b.get(c.query)
		if c.counts != "pending" && (r.Status != 503 || r.RetryAfter == 0 || len(r.Body) > 0 || b.cookie != cookie) {
			t.Errorf("%s: answer %d, Retry-After %d, Set-Cookie %q", c.name, r.Status, r.RetryAfter, r.SetCookie)
		}
		if got := h.counts(t, before); got != c.counts {
			t.Errorf("%s: counted %q, want %q", c.name, got, c.counts)
		}
		store.append, store.resolve, store.user = nil, nil, nil
		before = h.Counters()
		if r := b.get(c.query); r.Status != 200 || r.RetryAfter != 0 {
			t.Errorf("%s: afterwards answer %d", c.name, r.Status)
		}
		if got := h.counts(t, before); got != c.after {
			t.Errorf("%s: afterwards counted %q, want %q", c.name, got, c.after)
		}
	}
}

// TestHealth sees that a log which needs a restart is not called healthy.
func TestHealth(t *testing.T) {
	h := openHouse(t)
	store := &failing{Store: h.store}
	h.openPixel(t, store)
	for _, c := range []struct {
		broken error
		want   int
	}{{nil, 200}, {storage.ErrStopped, 503}} {
		store.broken = c.broken
		var r Reply
		h.Answer(&Hit{Path: []byte(HealthPath)}, &r)
		if r.Status != c.want || len(r.Body) == 0 {
			t.Errorf("log %v: answer %d %q, want %d", c.broken, r.Status, r.Body, c.want)
		}
	}
}

// TestOneAppend sees that a claim, the hit before it and the hit after it are
// one append, and that nothing else is ever appended.
func TestOneAppend(t *testing.T) {
	h := openHouse(t)
	store := &failing{Store: h.store}
	h.openPixel(t, store)
	b := &browser{h: h}
	for i, want := range []int{0, 1, 2} {
		b.get("s=news&l=interest/tennis")
		if store.appended != want {
			t.Errorf("after hit %d there were %d appends, want %d", i+1, store.appended, want)
		}
	}
}
