package dmp

import (
	"strings"
	"testing"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// TestConfirmClock: a store that slept for ten days warns until an operator
// says that the clock is right.
func TestConfirmClock(t *testing.T) {
	config := testConfig(t)
	past := time.Now().AddDate(0, 0, -10)
	s, err := storage.Open(storage.Options{Dir: config.Data, Clock: func() time.Time { return past }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.CreateKeys(config.Keys, s.ID()); err != nil {
		t.Fatal(err)
	}
	u, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	var r storage.Records
	r.Hit(u, storage.DayOf(past))
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	house := serve(t, config)
	warned := func() bool {
		status, err := house.client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(strings.Join(status.Store.Warnings, "\n"), "sosie clock confirm")
	}
	if !warned() {
		t.Error("no warning of a clock ten days ahead")
	}
	if err := house.client.ConfirmClock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if warned() {
		t.Error("it still warns")
	}
}
