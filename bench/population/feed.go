package population

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// feedMemory bounds the keys that Feed holds at a time, in bytes. Making several
// days in one pass saves making all users again for each day.
const feedMemory = 512 << 20

// Key is one tag of one day: the user's place in its chunk in the upper sixteen
// bits, the label in the lower. Sorted keys put a user's labels together.
type Key uint32

// NewKey makes a key.
func NewKey(low, label uint16) Key { return Key(low)<<16 | Key(label) }

// Low is the user's place in its chunk.
func (k Key) Low() uint16 { return uint16(k >> 16) }

// Label is the label's rank.
func (k Key) Label() uint16 { return uint16(k) }

// Feed calls fn for the days from first up to but excluding end, in order, with
// the day's keys of each chunk, sorted by user. They are valid only during the
// call.
func (p *Population) Feed(ctx context.Context, first, end int, fn func(day int, chunks [][]Key) error) error {
	perDay := p.spec.Users * p.spec.PerUser * p.spec.DaysPerLabel / p.spec.Window * 4
	step := max(1, feedMemory/max(1, perDay))
	for day := first; day < end; {
		cycleEnd := (day/p.spec.Window + 1) * p.spec.Window
		until := min(day+step, end, cycleEnd)
		if err := p.feed(ctx, day, until, fn); err != nil {
			return err
		}
		day = until
	}
	return nil
}

func (p *Population) feed(ctx context.Context, first, end int, fn func(day int, chunks [][]Key) error) error {
	days := make([][][]Key, end-first)
	for i := range days {
		days[i] = make([][]Key, p.Chunks())
	}
	p.eachChunk(func(c int) {
		if ctx.Err() != nil {
			return
		}
		for i, keys := range p.Keys(c, first, end) {
			days[i][c] = keys
		}
	})
	for i := range days {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(first+i, days[i]); err != nil {
			return err
		}
		days[i] = nil
	}
	return nil
}

// Keys makes the keys of one chunk for the days from first up to but excluding
// end, which must lie in one cycle: one sorted slice a day.
func (p *Population) Keys(chunk, first, end int) [][]Key {
	cycle := first / p.spec.Window
	offset := first - cycle*p.spec.Window
	out := make([][]Key, end-first)
	perDay := ChunkUsers * p.spec.PerUser * p.spec.DaysPerLabel / p.spec.Window
	for i := range out {
		out[i] = make([]Key, 0, perDay+perDay/16)
	}
	users := min(ChunkUsers, p.spec.Users-chunk*ChunkUsers)
	for low := range users {
		p.User(uint32(chunk*ChunkUsers+low), cycle, func(t Tag) {
			for _, d := range t.Days {
				if i := int(d) - offset; i >= 0 && i < len(out) {
					out[i] = append(out[i], NewKey(uint16(low), t.Label))
				}
			}
		})
	}
	for _, keys := range out {
		sortWithinUsers(keys)
	}
	return out
}

// sortWithinUsers puts each user's few labels in order; the users already are.
func sortWithinUsers(keys []Key) {
	for start := 0; start < len(keys); {
		end := start + 1
		for end < len(keys) && keys[end].Low() == keys[start].Low() {
			end++
		}
		slices.Sort(keys[start:end])
		start = end
	}
}

// eachChunk calls fn for every chunk, on all cores.
func (p *Population) eachChunk(fn func(chunk int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), p.Chunks()) {
		wait.Go(func() {
			for c := int(next.Add(1)) - 1; c < p.Chunks(); c = int(next.Add(1)) - 1 {
				fn(c)
			}
		})
	}
	wait.Wait()
}

// ByUser calls fn once for each user among sorted keys, with its labels.
func ByUser(keys []Key, fn func(low uint16, labels []Key) error) error {
	for start := 0; start < len(keys); {
		end := start + 1
		for end < len(keys) && keys[end].Low() == keys[start].Low() {
			end++
		}
		if err := fn(keys[start].Low(), keys[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}
