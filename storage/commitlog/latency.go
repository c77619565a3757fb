package commitlog

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency says how long appends took that somebody waited for, from the call to
// the device's word, over the last minutes.
type Latency struct {
	// Appends is how many there were.
	Appends int64 `json:"appends"`
	// P50 and P99 are what half, and 99 of 100 of them stayed within.
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
}

const (
	// latencyWindow is how long an append counts at least; twice as long at most.
	latencyWindow = 5 * time.Minute
	// latencyLongest is the longest that is told apart.
	latencyLongest = time.Minute
	latencyDigits  = 2
)

// latency counts how long appends take. Each record counts for as long as the
// first of its batch, which waited longest: so the clock is read twice a batch,
// not twice a hit, and no figure is too good. It is used under the log's lock.
type latency struct {
	now, before *hdrhistogram.Histogram
	began       time.Time // of now
}

func newLatency() latency {
	fresh := func() *hdrhistogram.Histogram {
		return hdrhistogram.New(1, latencyLongest.Microseconds(), latencyDigits)
	}
	return latency{now: fresh(), before: fresh()}
}

// turn makes room for a new window when the old one is full.
func (l *latency) turn(at time.Time) {
	switch since := at.Sub(l.began); {
	case since < latencyWindow:
		return
	case since < 2*latencyWindow:
		l.now, l.before = l.before, l.now
	default:
		l.before.Reset()
	}
	l.now.Reset()
	l.began = at
}

// add counts a number of records that took so long.
func (l *latency) add(took time.Duration, records int, at time.Time) {
	l.turn(at)
	took = min(max(took, time.Microsecond), latencyLongest)
	_ = l.now.RecordValues(took.Microseconds(), int64(records)) // it is in the range
}

func (l *latency) read(at time.Time) Latency {
	l.turn(at)
	all := hdrhistogram.Import(l.now.Export())
	all.Merge(l.before)
	quantile := func(q float64) time.Duration { return time.Duration(all.ValueAtQuantile(q)) * time.Microsecond }
	return Latency{Appends: all.TotalCount(), P50: quantile(50), P99: quantile(99)}
}

// Latency says how long appends took lately.
func (l *Log) Latency() Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latency.read(time.Now())
}
