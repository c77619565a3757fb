package intake

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sosie/storage"
)

// arrivals are those of a new store, with an id space, a site and a label.
func openArrivals(t *testing.T) (a *Arrivals, space storage.Space, site, label storage.Label) {
	t.Helper()
	store, err := storage.Open(storage.Options{Dir: t.TempDir(), Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if space, err = store.Space("crm"); err != nil {
		t.Fatal(err)
	}
	if site, err = store.DeclareSite("shop"); err != nil {
		t.Fatal(err)
	}
	labels, err := store.Declare(storage.LabelSpec{Name: "bought/racket"})
	if err != nil {
		t.Fatal(err)
	}
	return NewArrivals(store), space, site, labels[0]
}

func deliver(t *testing.T, a *Arrivals, b Batch) []int {
	t.Helper()
	out, _, err := a.Deliver(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lookUp(t *testing.T, a *Arrivals, space storage.Space, id string) (storage.Ordinal, bool) {
	t.Helper()
	if err := a.store.Sync(); err != nil {
		t.Fatal(err)
	}
	u, _, ok, err := a.store.IDs().Lookup(space, []byte(id))
	if err != nil {
		t.Fatal(err)
	}
	return u, ok
}

// Many servers bring the same new ids at once: each id becomes one user, who has
// all that was said of him.
func TestOneUserPerID(t *testing.T) {
	a, space, site, label := openArrivals(t)
	today := storage.DayOf(a.store.View().Stamp().At)
	var servers sync.WaitGroup
	for server := range 8 {
		servers.Go(func() {
			for round := range 20 {
				var events []Sent
				for i := range 10 {
					events = append(events, Sent{Space: space, ID: fmt.Sprintf("u%d", (round*5+i)%60), Day: today - storage.Day(server), Labels: []storage.Label{label}})
				}
				if _, _, err := a.Deliver(Batch{Site: site, Events: events}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	servers.Wait()
	met := map[storage.Ordinal]bool{}
	for i := range 60 {
		u, ok := lookUp(t, a, space, fmt.Sprintf("u%d", i))
		if !ok || met[u] {
			t.Fatalf("u%d is user %d, %v", i, u, ok)
		}
		met[u] = true
		days := map[storage.Day]bool{}
		if err := a.store.View().UserDays(u, func(l storage.Label, day storage.Day) { days[day] = days[day] || l == label }); err != nil {
			t.Fatal(err)
		}
		if len(days) != 8 {
			t.Errorf("u%d has %d days", i, len(days))
		}
	}
	if status, err := a.store.Status(); err != nil || status.Users != int64(len(met)) {
		t.Errorf("%d users ever recorded, %d have an id, %v", status.Users, len(met), err)
	}
	deliver(t, a, Batch{Site: site})
	if len(a.byID) != 0 {
		t.Errorf("%d ids stay in memory although the fold has seen them", len(a.byID))
	}
}

// An import and events bring the same new ids at once.
func TestEventsBesideAnImport(t *testing.T) {
	a, space, site, label := openArrivals(t)
	today := storage.DayOf(a.store.View().Stamp().At)
	const users = 3000
	var file strings.Builder
	file.WriteString("user,label,time\n")
	for i := range users {
		fmt.Fprintf(&file, "u%d,bought/racket,%s\n", i, today-1)
	}
	h := House{Store: a.store, Arrivals: a, Clock: a.store.View().Stamp().At.UTC, Dir: t.TempDir()}
	var both sync.WaitGroup
	both.Go(func() {
		r, err := h.Import(t.Context(), Request{Format: CSV, IDSpace: "crm", MaxLabels: 1}, strings.NewReader(file.String()), nil)
		if err != nil || r.Stored != users {
			t.Errorf("imported %+v, %v", r, err)
		}
	})
	both.Go(func() {
		for from := 0; from < users; from += 100 {
			var events []Sent
			for i := range 100 {
				events = append(events, Sent{Space: space, ID: fmt.Sprintf("u%d", users-1-from-i), Day: today, Labels: []storage.Label{label}})
			}
			if _, _, err := a.Deliver(Batch{Site: site, Events: events}); err != nil {
				t.Error(err)
			}
		}
	})
	both.Wait()
	if err := a.store.Sync(); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, Batch{Site: site})
	if status, err := a.store.Status(); err != nil || status.Users != users {
		t.Errorf("%d users, want %d, %v", status.Users, users, err)
	}
	for _, id := range []string{"u0", "u1500", "u2999"} {
		holders, err := a.store.IDs().Holders(space, []byte(id))
		if err != nil || len(holders) != 1 {
			t.Errorf("%s names %v, %v", id, holders, err)
		}
	}
	if len(a.byID) != 0 {
		t.Errorf("%d ids stay in memory", len(a.byID))
	}
}

// Whoever meets an id that another brought writes it too: the other may have failed.
func TestIDThatAnotherNeverMadeDurable(t *testing.T) {
	a, space, site, _ := openArrivals(t)
	other := a.writer()
	kept, err := a.resolve(other, space, []string{"u"}, a.store.Pace())
	if err != nil {
		t.Fatal(err)
	}
	today := storage.DayOf(a.store.View().Stamp().At)
	a.met(other, space, "u", named{user: kept[0].user, day: today})
	deliver(t, a, Batch{Site: site, Events: []Sent{{Space: space, ID: "u", Day: today}}})
	a.release(other, space, []string{"u"})
	if u, ok := lookUp(t, a, space, "u"); !ok || u != kept[0].user {
		t.Errorf("u is user %d, %v, want %d", u, ok, kept[0].user)
	}
}

// A hit and a server bring one new id of a site's own at once.
func TestIDThatAHitMet(t *testing.T) {
	a, _, site, _ := openArrivals(t)
	space, err := a.store.Space("site/shop")
	if err != nil {
		t.Fatal(err)
	}
	today := storage.DayOf(a.store.View().Stamp().At)
	met, write, err := a.store.ResolveID(space, []byte("u"))
	if err != nil || !write {
		t.Fatal(write, err)
	}
	deliver(t, a, Batch{Site: site, Events: []Sent{{Space: space, ID: "u", Day: today}, {Space: space, ID: "v", Day: today}}})
	later, write, err := a.store.ResolveID(space, []byte("v")) // before the fold has seen it, or after
	if err != nil {
		t.Fatal(write, err)
	}
	if u, _ := lookUp(t, a, space, "u"); u != met {
		t.Errorf("u is user %d, and %d to the hit", u, met)
	}
	if v, _ := lookUp(t, a, space, "v"); v != later {
		t.Errorf("v is user %d, and %d to the hit", v, later)
	}
}

func TestOptedOutUsersAreLeftOut(t *testing.T) {
	a, space, site, label := openArrivals(t)
	today := storage.DayOf(a.store.View().Stamp().At)
	event := Sent{Space: space, ID: "u", Day: today, Labels: []storage.Label{label}}
	deliver(t, a, Batch{Site: site, Events: []Sent{event}})
	u, _ := lookUp(t, a, space, "u")
	var r storage.Records
	r.Mask(storage.OptedOut, u, true)
	if _, err := a.store.Append(&r); err != nil {
		t.Fatal(err)
	}
	if err := a.store.Sync(); err != nil {
		t.Fatal(err)
	}
	event.Day--
	other := Sent{Space: space, ID: "v", Day: today}
	if left := deliver(t, a, Batch{Site: site, Events: []Sent{other, event, {User: u, Day: today}}}); !slices.Equal(left, []int{1, 2}) {
		t.Errorf("left out %v, want those of the user who opted out", left)
	}
}

// The last word of a site counts, and no other source's refusal is overridden.
func TestEventsWithoutConsent(t *testing.T) {
	a, space, site, _ := openArrivals(t)
	news, err := a.store.DeclareSite("news")
	if err != nil {
		t.Fatal(err)
	}
	today := storage.DayOf(a.store.View().Stamp().At)
	send := func(site storage.Label, none bool) {
		deliver(t, a, Batch{Site: site, None: none, Events: []Sent{{Space: space, ID: "u", Day: today}}})
	}
	masked := func() bool {
		u, _ := lookUp(t, a, space, "u")
		return a.store.View().Masked(storage.NoConsent, u)
	}
	send(site, true)
	if !masked() {
		t.Error("a user without consent is used")
	}
	send(news, false)
	if !masked() {
		t.Error("another site lifted the refusal")
	}
	send(site, false)
	if masked() {
		t.Error("the site's own last word did not count")
	}
	send(site, true)
	if !masked() {
		t.Error("a refusal did not count")
	}
	send(site, false)
	send(site, true) // before the view shows the one before
	if !masked() {
		t.Error("a refusal right after a permission was lost")
	}
}
