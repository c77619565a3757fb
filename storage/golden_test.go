package storage

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "make the golden store of the current format anew")

// goldenStore is a store of format 1 with something of everything: sealed days
// of two retention classes, deltas, masks, ids and claims. The records of the
// log have a golden file of their own.
const goldenStore = "testdata/v1"

func goldenClock() *testClock { return newTestClock() }

func writeGolden(t *testing.T, dir string) {
	t.Helper()
	clock := goldenClock()
	s, err := Open(Options{Dir: dir, ID: "golden", Clock: clock.Now, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	labels := declare(t, s, LabelSpec{Name: "interest/tennis"}, LabelSpec{Name: "page/cart", Retention: 30, Signed: true},
		LabelSpec{Name: "partner/age", Origin: ThirdParty, Provider: "acme", Sensitive: true, Uses: []string{"count"}})
	site, err := s.DeclareSite("shop")
	if err != nil {
		t.Fatal(err)
	}
	space, err := s.Space("crm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewUsers(70_000); err != nil {
		t.Fatal(err)
	}
	var r Records
	for u := range Ordinal(5000) { // enough for a bitmap
		r.Hit(u, clock.Day(), labels[0], site)
	}
	r.Hit(69_999, clock.Day(), labels[1], labels[2])
	r.Mask(OptedOut, 7, true)
	r.Mask(Robot, 69_999, true)
	r.ID(space, []byte("customer-1"), 1, clock.Day())
	r.ID(space, []byte("customer-2"), 69_999, clock.Day())
	r.Claim(42, 3, clock.Now())
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
	clock.Advance(24 * time.Hour)
	add(t, s, 8, clock.Day(), labels...)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// describe writes down what a store answers.
func describe(t *testing.T, s *Store) string {
	t.Helper()
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	v := s.View()
	day := goldenClock().Day()
	for l := range Label(v.Labels().Len()) {
		spec := v.Labels().Spec(l)
		fmt.Fprintf(&out, "%s: %d users, %d on %s, %d on %s; retention %d, %s %s, sensitive %t, signed %t, uses %v\n", spec.Name,
			len(viewUsers(t, v, l)), len(viewUsers(t, v, l, day, day)), day, len(viewUsers(t, v, l, day+1, day+1)), day+1,
			spec.Retention, spec.Origin, spec.Provider, spec.Sensitive, spec.Signed, spec.Uses)
	}
	fmt.Fprintf(&out, "opted out: 7 %t, 8 %t; robot: 69999 %t\n", v.Masked(OptedOut, 7), v.Masked(OptedOut, 8), v.Masked(Robot, 69_999))
	space, ok := s.LookupSpace("crm")
	u, confirmed, found, err := s.IDs().Lookup(space, []byte("customer-2"))
	fmt.Fprintf(&out, "space %d %t: customer-2 is %d since %s %t %v\n", space, ok, u, confirmed, found, err)
	user, known, err := s.ResolveClaim(42)
	fmt.Fprintf(&out, "claim 42: %d %t %v\n", user, known, err)
	fmt.Fprintf(&out, "store %s, high water %d, horizon %s\n", s.ID(), s.HighWater(), s.state.Horizon)
	return out.String()
}

// TestGoldenStoreStillOpens keeps every later version able to read what this
// one wrote.
func TestGoldenStoreStillOpens(t *testing.T) {
	if *rewrite {
		os.RemoveAll(goldenStore)
		writeGolden(t, goldenStore)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(goldenStore)); err != nil {
		t.Fatal(err)
	}
	clock := goldenClock()
	clock.Advance(24 * time.Hour)
	got := describe(t, openTest(t, Options{Dir: dir, Clock: clock.Now}))
	answers := filepath.Join("testdata", "v1.answers")
	if *rewrite {
		if err := os.WriteFile(answers, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the golden store answers otherwise (-want +got):\n%s", diff)
	}
}
