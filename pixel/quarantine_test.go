package pixel

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sosie/storage"
)

func creatingSite(c *Config) {
	c.Sites = []Site{{Key: "blog", WithoutSignal: CollectWithoutSignal, Create: "topic/", Writes: []string{"interest/*"}}}
}

// from makes a browser's hits come from a network of its number.
func from(i int) func(*Hit) {
	return func(hit *Hit) { hit.Client = netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}) }
}

// TestQuarantineOfOneNetwork sees that the users of one address, however many, bring
// no label, and keep none out.
func TestQuarantineOfOneNetwork(t *testing.T) {
	h := openHouse(t, creatingSite)
	for i := range 3 * quarantineUsers {
		b, _ := h.newUser(t)
		b.get("s=blog&l=topic/junk")
		b.change = from(i % 4)
		b.get("s=blog&l=topic/few")
	}
	for _, name := range []string{"topic/junk", "topic/few"} {
		if _, known := h.store.Labels().Lookup(name); known {
			t.Errorf("%s was created by four networks or fewer", name)
		}
	}
}

// TestQuarantineOutlivesAFailure sees that the users who brought a label are not
// forgotten when the hit of the last cannot be stored.
func TestQuarantineOutlivesAFailure(t *testing.T) {
	h := openHouse(t, creatingSite)
	store := &failing{Store: h.store}
	h.openPixel(t, store)
	first := h.store.HighWater()
	for i := range quarantineUsers {
		b, _ := h.newUser(t)
		b.change = from(i)
		if i == quarantineUsers-1 {
			store.append = errors.New("?")
			b.get("s=blog&l=topic/clay")
			store.append = nil
		}
		b.get("s=blog&l=topic/clay")
	}
	want := strings.TrimSuffix(strings.Repeat("seen site/blog topic/clay; ", quarantineUsers), "; ")
	if got := h.carried(t, first, h.store.HighWater()); got != want {
		t.Errorf("users carry %q", got)
	}
	if n := len(h.quarantine.waiting); n != 0 {
		t.Errorf("%d labels still wait", n)
	}
}

// TestDeletedLabelIsNotCreated again by the hits that go on bringing it.
func TestDeletedLabelIsNotCreated(t *testing.T) {
	h := openHouse(t, creatingSite)
	if _, err := h.store.Declare(storage.LabelSpec{Name: "topic/bad"}); err != nil {
		t.Fatal(err)
	}
	if err := h.store.DeleteLabel("topic/bad"); err != nil {
		t.Fatal(err)
	}
	for i := range quarantineUsers + 1 {
		b, _ := h.newUser(t)
		b.change = from(i)
		b.get("s=blog&l=topic/bad")
	}
	if _, known := h.store.Labels().Lookup("topic/bad"); known {
		t.Error("an operator's deletion was undone")
	}
}

// TestQuarantine follows a new label: it is declared when twenty users have brought
// it, and all twenty carry it.
func TestQuarantine(t *testing.T) {
	h := openHouse(t, creatingSite)
	first := h.store.HighWater()
	for i := range quarantineUsers {
		b, _ := h.newUser(t)
		b.change = from(i)
		for range 3 { // a user counts once
			b.get("s=blog&l=topic/clay,interest/tennis")
		}
		if _, known := h.store.Labels().Lookup("topic/clay"); known != (i == quarantineUsers-1) {
			t.Fatalf("after %d users: declared %v", i+1, known)
		}
	}
	want := strings.TrimSuffix(strings.Repeat("interest/tennis seen site/blog topic/clay; ", quarantineUsers), "; ")
	if got := h.carried(t, first, h.store.HighWater()); got != want {
		t.Errorf("users carry %q", got)
	}
	b, u := h.newUser(t)
	b.get("s=blog&l=topic/clay")
	if got := h.carried(t, u, u+1); got != "seen site/blog topic/clay" {
		t.Errorf("a later user carries %q", got)
	}
}

// TestQuarantineEnds sees that a label that too few bring in a week begins anew.
func TestQuarantineEnds(t *testing.T) {
	h := openHouse(t, creatingSite)
	bring := func(n int) {
		for i := range n {
			b, _ := h.newUser(t)
			b.change = from(i)
			b.get("s=blog&l=topic/clay")
		}
	}
	bring(quarantineUsers - 1)
	h.pass(quarantineDays * 24 * time.Hour)
	bring(quarantineUsers - 1)
	if _, known := h.store.Labels().Lookup("topic/clay"); known {
		t.Fatal("declared by users of two weeks")
	}
	b, _ := h.newUser(t)
	b.change = from(quarantineUsers)
	b.get("s=blog&l=topic/clay")
	if _, known := h.store.Labels().Lookup("topic/clay"); !known {
		t.Fatal("not declared by twenty users of one week")
	}
}

// TestQuarantineHolds tries to fill the dictionary, and to keep a real label out.
func TestQuarantineHolds(t *testing.T) {
	h := openHouse(t, creatingSite, func(c *Config) { c.Limits.CreatedLabels = 3 })
	labels := h.store.Labels().Len()
	stranger, _ := h.newUser(t)
	real, users := 0, make([]*browser, quarantineUsers)
	for i := range users {
		users[i], _ = h.newUser(t)
		users[i].change = from(i)
	}
	for i := range 4_000 {
		stranger.change = func(hit *Hit) { hit.Client = netip.AddrFrom4([4]byte{10, byte(i >> 14), byte(i >> 7), 0}) }
		stranger.get(fmt.Sprintf("s=blog&l=topic/junk-%d,topic/junk-%d-b,other/%d,topic/%%22", i, i, i))
		if i%100 == 0 && real < len(users) {
			users[real].get("s=blog&l=topic/real")
			real++
		}
	}
	if got := h.store.Labels().Len(); got != labels+1 {
		t.Errorf("%d labels were created, want the real one", got-labels)
	}
	if _, known := h.store.Labels().Lookup("topic/real"); !known {
		t.Error("the real label was kept out")
	}
	if got := len(h.quarantine.waiting); got > quarantineNames {
		t.Errorf("%d labels wait", got)
	}
	// Twenty users together create no more than the limit.
	for i := range 10 {
		for j, b := range users {
			b.change = func(hit *Hit) { hit.Client = netip.AddrFrom4([4]byte{10, 200, byte(i), byte(j)}) }
			b.get(fmt.Sprintf("s=blog&l=topic/many-%d", i))
		}
	}
	if got := h.store.Labels().Len(); got != labels+3 {
		t.Errorf("%d labels were created, the limit is 3", got-labels)
	}
}

// TestQuarantineMakesRoom fills it: what few users brought goes first.
func TestQuarantineMakesRoom(t *testing.T) {
	var q quarantine
	always := func() bool { return true }
	for u := range storage.Ordinal(10) {
		q.bring("real", u, network{bits: uint64(u)}, 1, always)
	}
	for i := range 3 * quarantineNames {
		q.bring(fmt.Sprint("junk", i), 1, network{}, 1, always)
	}
	if got := len(q.waiting); got != quarantineNames || q.waiting["real"] == nil {
		t.Errorf("%d labels wait, the real one among them: %v", got, q.waiting["real"] != nil)
	}
	if ready, noted := q.bring("refused", 1, network{}, 1, func() bool { return false }); ready != nil || noted {
		t.Error("a name beyond the limit was noted")
	}
}
