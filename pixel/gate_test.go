package pixel

import (
	"testing"
	"time"

	"sosie/storage"
)

// TestOptOutIsRecordedOnce follows a user who opts out: one record, then
// nothing, whatever the later hits say.
func TestOptOutIsRecordedOnce(t *testing.T) {
	h := openHouse(t)
	b, u := h.newUser(t)
	b.get("s=news&l=interest/tennis")
	b.change = func(h *Hit) { h.GPC = true }
	b.get("s=news&l=place/italy")
	for range 3 {
		b.get("s=news&l=place/italy") // before the view can show it
	}
	b.change = nil
	b.get("s=news&l=place/italy")
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	b.get("s=news&l=place/italy")
	b.change = func(h *Hit) { h.GPC = true }
	b.get("s=news&l=place/italy")
	if got, want := h.carried(t, u, u+1), "*opted-out interest/tennis seen site/news"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
	if got, want := h.counts(t, Counters{}), "opted_out refused_before=6 refused_by_gpc stored"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}

// TestTagSaysPrivacy: where a browser shows its wish to pages only, the tag tells it.
func TestTagSaysPrivacy(t *testing.T) {
	h := openHouse(t)
	b, u := h.newUser(t)
	b.get("s=news&gpc=0")
	b.get("s=news&gpc=1")
	if err := h.store.Sync(); err != nil {
		t.Fatal(err)
	}
	if got, want := h.carried(t, u, u+1), "*opted-out seen site/news"; got != want {
		t.Errorf("the user carries %q, want %q", got, want)
	}
	if got, want := h.counts(t, Counters{}), "opted_out refused_by_gpc stored"; got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
}

func TestOptOuts(t *testing.T) {
	var o optOuts
	other := storage.Ordinal(len(o)) // shares the slot of 0
	for i, c := range []struct {
		got, want bool
	}{
		{o.fresh(0, 0), false},
		{o.enter(0, 0), true},
		{o.enter(0, 0), false},
		{o.fresh(0, freshFor-time.Second), true},
		{o.fresh(0, freshFor), false},
		{o.fresh(other, 0), false},
		{o.enter(other, 0), true},
		{o.fresh(0, 0), false},
		{o.enter(other, freshFor+time.Second), true},
	} {
		if c.got != c.want {
			t.Errorf("step %d = %v, want %v", i, c.got, c.want)
		}
	}
	o.leave(0)
	if !o.fresh(other, freshFor+time.Second) {
		t.Error("leaving forgets another user")
	}
	o.leave(other)
	if o.fresh(other, freshFor+time.Second) {
		t.Error("a user who left is still remembered")
	}
}
