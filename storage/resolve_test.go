package storage

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestResolveID meets ids in parallel: each becomes one user, who is found again
// after the fold, after a restart, and confirmed once a day.
func TestResolveID(t *testing.T) {
	now := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	o := Options{Dir: t.TempDir(), Clock: clock, Reserve: 1}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	space, err := s.Space("site/shop")
	if err != nil {
		t.Fatal(err)
	}
	const ids, hits = 50, 8
	hit := func(id int) (Ordinal, bool) {
		external := fmt.Appendf(nil, "customer-%d", id)
		u, write, err := s.ResolveID(space, external)
		if err != nil {
			t.Error(err)
			return 0, false
		}
		var r Records
		if write {
			r.ID(space, external, u, DayOf(clock()))
		}
		r.Hit(u, DayOf(clock()))
		if _, err := s.Append(&r); err != nil {
			t.Error(err)
		}
		return u, write
	}
	var users [ids][hits]Ordinal
	var wait sync.WaitGroup
	for i := range ids {
		for j := range hits {
			wait.Go(func() { users[i][j], _ = hit(i) })
		}
	}
	wait.Wait()
	seen := map[Ordinal]bool{}
	for i := range ids {
		for _, u := range users[i] {
			if u != users[i][0] {
				t.Fatalf("id %d became users %v", i, users[i])
			}
		}
		if seen[users[i][0]] {
			t.Fatalf("id %d became the user of another", i)
		}
		seen[users[i][0]] = true
	}
	again := func(when string, wantWrite bool) {
		t.Helper()
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		for i := range ids {
			if u, write := hit(i); u != users[i][0] || write != wantWrite {
				t.Fatalf("%s: id %d is user %d, written %v, want %d, %v", when, i, u, write, users[i][0], wantWrite)
			}
		}
	}
	again("the same day", false)
	pass(24 * time.Hour)
	again("the next day", true)
	again("the next day again", false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(o); err != nil {
		t.Fatal(err)
	}
	again("after a restart", false)
}

// TestMeetingsAreSwept keeps many ids whose hits never came.
func TestMeetingsAreSwept(t *testing.T) {
	var m meetings
	at := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	for i := range 20 * fewMeetings {
		m.keep(fmt.Sprint(i), Ordinal(i), at, at.Add(-meetingLife))
		at = at.Add(meetingLife / fewMeetings)
	}
	if n := len(m.byID); n > 3*fewMeetings {
		t.Errorf("%d meetings are kept, about %d are young", n, fewMeetings)
	}
}
