package members

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// MaxAge is how old an answer may be.
const MaxAge = time.Minute

// The defaults of Options.
const (
	DefaultEvery  = 30 * time.Second
	DefaultMemory = 256 << 20
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrStale means memberships older than MaxAge, or none yet.
	ErrStale = errors.New("memberships are too old to be told")
	// ErrBehind means a store whose view has lacked for MaxAge what is durable: an
	// opt-out, perhaps.
	ErrBehind = errors.New("the store does not show what it has taken")
	// ErrMemory means memberships that do not fit Options.Memory.
	ErrMemory = errors.New("memberships are too large")
)

// Options configure New. Zero fields mean the defaults.
type Options struct {
	// Every is the time between two evaluations, at most half of MaxAge.
	Every time.Duration
	// Memory bounds the bytes of one evaluation; while the next is made there are
	// two. Beyond it evaluating fails, and so, after MaxAge, do answers.
	Memory int64
}

// Store is where the segments and the users are; *storage.Store is one.
type Store interface {
	// View returns the newest snapshot.
	View() *storage.View
	// Durable is the sequence of the newest batch, which a view may lack.
	Durable() uint64
	// Pace makes long work leave the cores to hits.
	Pace() *storage.Pace
}

// Members are the memberships of the published segments. All methods may be
// called concurrently.
type Members struct {
	store   Store
	options Options

	now        atomic.Pointer[evaluation]
	evaluating sync.Mutex // one Refresh at a time
	owed       owed       // under evaluating
	builder    block.Builder
	failure    atomic.Pointer[error] // why the last Refresh failed
}

// evaluation is the memberships of one view. It never changes.
type evaluation struct {
	stamp storage.Stamp
	// labels tell views of one sequence apart that differ in what is in force.
	labels *storage.Labels
	// checked is when the newest view last said the same and showed what had been
	// durable the time before, by the clock that nobody sets.
	checked time.Time
	took    time.Duration
	names   []string         // of segments, by number
	byTo    map[string][]int // numbers of the segments of a destination
	chunks  []*block.Block   // the "label" is the number of the segment
	bytes   int64
}

// owed is what the newest view has to show: the batches that were durable at a
// moment.
type owed struct {
	seq uint64
	at  time.Time
}

// New returns the memberships of a store, none of which are evaluated yet: call
// Run, or Refresh.
func New(store Store, options Options) *Members {
	options.Every = cmp.Or(options.Every, DefaultEvery)
	options.Memory = cmp.Or(options.Memory, DefaultMemory)
	return &Members{store: store, options: options}
}

// Run evaluates at once, and then again and again until ctx is done.
func (m *Members) Run(ctx context.Context) {
	tick := time.NewTicker(m.options.Every)
	defer tick.Stop()
	for {
		// A failure is kept for Status, and tried again with the next tick.
		_ = m.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Of appends to dst the names of the segments published to a destination,
// site/<key> or partner/<name>, that hold a user, in order of name, and returns
// what they are true of. A stamp whose At is zero means that no answer can be
// given; Err says why. It takes no lock and allocates nothing but what dst lacks.
func (m *Members) Of(dst []string, to string, u storage.Ordinal) (names []string, stamp storage.Stamp) {
	now := m.now.Load()
	if now == nil || time.Since(now.checked) > MaxAge {
		return dst, storage.Stamp{}
	}
	if u.Chunk() < len(now.chunks) && permit.User(m.store.View(), permit.Serve, u) {
		chunk := now.chunks[u.Chunk()]
		for _, number := range now.byTo[to] {
			if chunk.Has(uint32(number), u.Low()) {
				dst = append(dst, now.names[number])
			}
		}
	}
	return dst, now.stamp
}

// Err returns why no answers can be given, ErrStale with what keeps the
// memberships from being evaluated, or nil.
func (m *Members) Err() error {
	now := m.now.Load()
	if now != nil && time.Since(now.checked) <= MaxAge {
		return nil
	}
	if failure := m.failure.Load(); failure != nil && *failure != nil {
		return fmt.Errorf("%w: %w", ErrStale, *failure)
	}
	return ErrStale
}
