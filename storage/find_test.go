package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// stands lists what Find says of a user, the mask of the erased apart.
func stands(t *testing.T, dir string, want Wanted) (traces []string, masked bool, raw []string) {
	t.Helper()
	found, err := Find(dir, want)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Skipped) > 0 {
		t.Fatalf("files were skipped: %v", found.Skipped)
	}
	for _, trace := range found.Traces {
		if trace.Mask {
			masked = true
			continue
		}
		traces = append(traces, fmt.Sprintf("%s (%s, old %t)", trace.What, trace.File, trace.Old))
	}
	return traces, masked, found.Raw
}

// TestErasedUserLeavesTheDisk follows one user through a life: everywhere on
// disk, out of every answer, then out of every file.
func TestErasedUserLeavesTheDisk(t *testing.T) {
	const external = "customer-4711-0123456789" // 24 characters
	dir, clock := t.TempDir(), newTestClock()
	var hold atomic.Bool
	s := openTest(t, Options{Dir: dir, Clock: clock.Now, step: func(name string) error {
		if hold.Load() && strings.HasPrefix(name, "purge") {
			return errors.New("not yet")
		}
		return nil
	}})
	labels := declare(t, s, LabelSpec{Name: "interest/tennis"}, LabelSpec{Name: "page/cart", Retention: 30})
	space, err := s.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewUsers(70_000); err != nil {
		t.Fatal(err)
	}
	const u, other = Ordinal(66_000), Ordinal(66_001)
	tag := func() {
		t.Helper()
		var r Records
		r.Hit(u, clock.Day(), labels...)
		r.Hit(other, clock.Day(), labels...)
		r.Hit(3, clock.Day(), labels[0])
		r.ID(space, []byte(external), u, clock.Day())
		r.ID(space, []byte("customer-0815-0123456789"), other, clock.Day())
		r.Claim(99, u, clock.Now())
		if _, err := s.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	tag()
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(24 * time.Hour)
	var alone Records
	alone.Hit(u, clock.Day(), labels[0]) // the only one of its chunk and day
	if _, err := s.Append(&alone); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(24 * time.Hour)
	tag()
	if err := s.Checkpoint(); err != nil { // deltas of an open day
		t.Fatal(err)
	}
	tag() // the log
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	byID := Wanted{IDs: []WantedID{{Space: "crm", External: external}}}
	before, masked, raw := stands(t, dir, byID)
	for _, want := range []string{"block of day", "delta of day", "id of space", "page of ids", "claim of a pending", "of the log"} {
		if !slices.ContainsFunc(before, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("no %s among:\n%s", want, strings.Join(before, "\n"))
		}
	}
	if masked || len(raw) == 0 {
		t.Errorf("before: masked %t, raw %v", masked, raw)
	}

	hold.Store(true) // the purge at midnight
	if err := s.Erase(u); err != nil {
		t.Fatal(err)
	}
	if !s.View().Masked(Erased, u) {
		t.Error("the user is not erased")
	}
	if holders, err := s.IDs().Holders(space, []byte(external)); err != nil || len(holders) > 0 {
		t.Errorf("the id names %v %v", holders, err)
	}
	if traces, _, _ := stands(t, dir, byID); len(traces) < len(before) {
		t.Errorf("the disk forgot before the purge: %v", traces)
	}
	if err := s.Purge(); err == nil {
		t.Error("a purge that fails says nothing")
	}
	hold.Store(false)
	if err := s.Purge(); err != nil {
		t.Fatal(err)
	}

	byUser := Wanted{Users: []Ordinal{u}, IDs: byID.IDs}
	check := func(when string) {
		t.Helper()
		traces, masked, raw := stands(t, dir, byUser)
		if len(traces) > 0 || len(raw) > 0 || !masked {
			t.Errorf("%s: masked %t, raw %v, traces:\n%s", when, masked, raw, strings.Join(traces, "\n"))
		}
	}
	check("after the purge, open")
	wantUsers(t, users(t, s, labels[0]), 3, other)
	wantUsers(t, users(t, s, labels[1], clock.Day()-2, clock.Day()), other)
	if got, err := s.IDs().Holders(space, []byte("customer-0815-0123456789")); err != nil || len(got) != 1 || got[0] != other {
		t.Errorf("the other's id names %v %v", got, err)
	}
	tag() // a cookie that lives on
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir, Clock: clock.Now})
	wantUsers(t, users(t, s, labels[0]), 3, other)
	if err := s.Purge(); err != nil { // of the last hits, which only the log had
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check("after the purge, closed")
}
