package storage

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestLookupAll holds many look-ups at once against one by one, over ids that
// are on disk, in memory, moved to another user, or nobody's.
func TestLookupAll(t *testing.T) {
	clock := newTestClock()
	s := openTest(t, Options{Clock: clock.Now})
	space, err := s.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Space("other")
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.NewUsers(2000)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	name := func() string { return fmt.Sprint("id-", random.IntN(3000)) }
	for round := range 2 {
		var r Records
		for range 1000 {
			r.ID(space, []byte(name()), first+Ordinal(random.IntN(2000)), clock.Day()-Day(random.IntN(9)))
		}
		r.ID(other, []byte("elsewhere"), first, clock.Day())
		if _, err := s.AppendPatiently(&r); err != nil {
			t.Fatal(err)
		}
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			if err := s.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	asked := []string{"elsewhere", "", "id-1", "id-1"}
	for range 5000 {
		asked = append(asked, name())
	}
	found, err := s.IDs().LookupAll(space, asked, s.Pace())
	if err != nil || len(found) != len(asked) {
		t.Fatalf("%d answers to %d ids, %v", len(found), len(asked), err)
	}
	known := 0
	for i, external := range asked {
		u, day, ok, err := s.IDs().Lookup(space, []byte(external))
		if want := (Found{User: u, Day: day, OK: ok}); err != nil || found[i] != want {
			t.Errorf("%q: %+v, one by one %+v, %v", external, found[i], want, err)
		}
		if ok {
			known++
		}
	}
	if known < 1000 || known > 4000 || found[0].OK {
		t.Errorf("%d of %d are known", known, len(asked))
	}
}

// TestNewUsersAreNeighbours: an import's users take no ordinal that others got,
// and leave none behind that others would not get.
func TestNewUsersAreNeighbours(t *testing.T) {
	s := openTest(t, Options{Clock: newTestClock().Now})
	next := Ordinal(0)
	for i := range 200 {
		if i%3 == 0 {
			u, err := s.NewUser()
			if err != nil || u != next {
				t.Fatalf("user %d, want %d, %v", u, next, err)
			}
			next++
			continue
		}
		u, err := s.NewUsers(i * 7)
		if err != nil || u != next {
			t.Fatalf("users from %d, want %d, %v", u, next, err)
		}
		next += Ordinal(i * 7)
	}
}
