package commitlog

import (
	"testing"
	"time"
)

func TestLatencyWindow(t *testing.T) {
	l, at := newLatency(), time.Unix(1_000_000, 0)
	check := func(what string, appends int64, p50, p99 time.Duration) {
		t.Helper()
		near := func(a, b time.Duration) bool { return a >= b && a-b <= b/50 } // two digits, upwards
		if got := l.read(at); got.Appends != appends || !near(got.P50, p50) || !near(got.P99, p99) {
			t.Errorf("%s: %+v, want %d appends, %s, %s", what, got, appends, p50, p99)
		}
	}
	check("none", 0, 0, 0)
	l.add(2*time.Millisecond, 98, at)
	l.add(30*time.Millisecond, 2, at)
	check("some", 100, 2*time.Millisecond, 30*time.Millisecond)
	at = at.Add(latencyWindow)
	l.add(time.Millisecond, 1000, at)
	check("beside those of the window before", 1100, time.Millisecond, 2*time.Millisecond)
	at = at.Add(latencyWindow)
	check("once they are old", 1000, time.Millisecond, time.Millisecond)
	at = at.Add(2 * latencyWindow)
	check("after a pause", 0, 0, 0)
	l.add(time.Hour, 1, at)
	l.add(-time.Second, 1, at) // a clock that was set
	check("out of range", 2, time.Microsecond, time.Minute)
}

// TestLatencyCountsWhoWaits: patient appends do not count.
func TestLatencyCountsWhoWaits(t *testing.T) {
	l, err := Open(t.TempDir(), 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 10 {
		if _, err := l.Append([]byte("hit")); err != nil {
			t.Fatal(err)
		}
		if _, err := l.AppendPatiently([]byte("row")); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.Latency(); got.Appends != 10 || got.P50 <= 0 || got.P99 < got.P50 {
		t.Errorf("got %+v, want 10 appends", got)
	}
}

func BenchmarkLatency(b *testing.B) {
	l := newLatency()
	b.ReportAllocs()
	for b.Loop() {
		l.add(3*time.Millisecond, 64, time.Now())
	}
}
