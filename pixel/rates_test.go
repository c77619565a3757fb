package pixel

import (
	"net/netip"
	"testing"
	"time"
)

func TestNetworkOf(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"0.0.0.1", "::1", false},
		{"0.0.0.0", "::", false},
	} {
		if got := networkOf(netip.MustParseAddr(c.a)) == networkOf(netip.MustParseAddr(c.b)); got != c.same {
			t.Errorf("%s and %s count as the same: %v, want %v", c.a, c.b, got, c.same)
		}
	}
	if networkOf(netip.Addr{}) == networkOf(netip.MustParseAddr("::1")) {
		t.Error("no address counts as ::1")
	}
}

func TestRates(t *testing.T) {
	a, b := network{bits: 1}, network{bits: 2}
	r := newRates(4, 64)
	for i, c := range []struct {
		n    network
		now  time.Duration
		want bool
	}{
		{a, 0, true}, {a, 0, true}, {a, 0, true}, {a, 0, true}, {a, 0, false},
		{b, 0, true},
		{a, 15*time.Minute - 1, false}, {a, 15 * time.Minute, true}, {a, 15 * time.Minute, false},
		{a, 2 * time.Hour, true}, {a, 2 * time.Hour, true}, {a, 2 * time.Hour, true}, {a, 2 * time.Hour, true}, {a, 2 * time.Hour, false},
	} {
		if got := r.take(c.n, c.now); got != c.want {
			t.Errorf("step %d: take at %v = %v, want %v", i, c.now, got, c.want)
		}
	}
	r.giveBack(a, 2*time.Hour)
	if !r.take(a, 2*time.Hour) || r.take(a, 2*time.Hour) {
		t.Error("what is given back can be taken once")
	}
	if unlimited := newRates(0, 64); !unlimited.take(a, 0) {
		t.Error("0 is not unlimited")
	}
}

// TestRatesForgetWhoTookLeast fills one set beyond its size.
func TestRatesForgetWhoTookLeast(t *testing.T) {
	r := newRates(100, 1)
	heavy := network{bits: 1}
	for range 100 {
		r.take(heavy, 0)
	}
	for i := range 1000 {
		r.take(network{bits: uint64(i) + 2}, 0)
	}
	if r.take(heavy, 0) {
		t.Error("who used up its rate was forgotten before those who took one")
	}
	if got := len(r.sets) * ratesWays; got != ratesWays {
		t.Errorf("the table has %d slots, want %d", got, ratesWays)
	}
}

func BenchmarkRates(b *testing.B) {
	r := newRates(1000, 64<<10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.take(network{bits: uint64(i)}, time.Duration(i))
	}
}
