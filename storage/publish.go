package storage

import (
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"sosie/storage/block"
)

// workerCount is how many chunks are worked on at once.
func workerCount() int { return runtime.GOMAXPROCS(0) }

// parallel calls fn for 0 to n-1, several at once; worker tells which of
// workerCount it runs on.
func (f *fold) parallel(n int, fn func(worker, i int)) {
	workers := min(len(f.workers), n)
	if workers <= 1 {
		for i := range n {
			fn(0, i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(w, i)
			}
		})
	}
	wait.Wait()
}

// publish merges what has gathered into new blocks and stores one new snapshot
// pointer. Readers that hold the old one are not disturbed.
func (f *fold) publish() {
	old := f.s.View()
	next := &View{stamp: old.stamp, labels: f.dictionary, documents: f.documents, chunks: old.chunks, store: f.s}
	if f.rederive || f.deriving {
		next.labels = old.labels // the new retentions hold once any time is derived from them
	}
	next.stamp.Seq, next.stamp.At = f.seq, f.s.clock()
	if f.events > 0 || len(f.masks) > 0 {
		next.chunks = slices.Clone(old.chunks)
		need := chunksFor(f.cursor.Users)
		for _, events := range f.pending {
			need = max(need, len(events.chunks))
		}
		next.chunks = growChunks(next.chunks, need)
		f.mergeEvents(next)
		f.mergeMasks(next.chunks)
	}
	f.events = 0
	f.s.current.Store(next)
	f.published = next.stamp.At
	f.s.statusMu.Lock()
	f.s.state = f.cursor
	f.s.statusMu.Unlock()
}

func chunksFor(users Ordinal) int { return int((uint64(users) + block.Users - 1) / block.Users) }

// mergeEvents moves the pending events into the open days of a view to be.
func (f *fold) mergeEvents(view *View) {
	chunks := view.chunks
	first := firstDays(view.labels, view.stamp.Day)
	days := make([]Day, 0, len(f.pending))
	for day := range f.pending {
		days = append(days, day)
	}
	slices.Sort(days)
	for _, day := range days {
		events := f.pending[day]
		saved := f.unsaved[day]
		if saved == nil {
			saved = &dayEvents{}
			f.unsaved[day] = saved
		}
		saved.grow(len(events.chunks))
		var added atomic.Int64
		f.parallel(len(events.chunks), func(worker, c int) {
			if len(events.chunks[c]) == 0 {
				return
			}
			builder := &f.workers[worker]
			next, fresh := chunks[c].withEvents(builder, day, builder.Sort(events.chunks[c]))
			if day <= view.stamp.Day && !f.deriving {
				next = next.settle(builder, day, first, f.s.options.settle)
			}
			chunks[c] = next
			saved.chunks[c] = append(saved.chunks[c], fresh...)
			added.Add(int64(len(fresh)))
			events.chunks[c] = events.chunks[c][:0]
		})
		f.unsavedN += int(added.Load())
		if day != f.todayDay {
			delete(f.pending, day)
		}
	}
}

// withEvents returns the chunk with sorted keys added to a day, and the keys
// that it did not hold yet. Keys that a sealed day in memory holds are dropped,
// so that importing a file twice writes nothing.
func (c *chunkView) withEvents(builder *block.Builder, day Day, keys []block.Key) (*chunkView, []block.Key) {
	if d := c.sealedDay(day); d != nil {
		for _, b := range d.blocks {
			keys = block.Absent(b, keys)
		}
	}
	i, exists := c.openDay(day)
	var o openDay
	if exists {
		o = c.open[i]
	}
	o.day = day
	merged, fresh := builder.Merge(o.recent, block.Absent(o.settled, keys))
	if len(fresh) == 0 {
		return c, nil
	}
	o.recent = merged
	next := *c
	if exists {
		next.open = slices.Clone(c.open)
		next.open[i] = o
	} else {
		next.open = slices.Insert(slices.Clone(c.open), i, o)
	}
	return &next, fresh
}

// settleSize is the size in bytes above which recent events are settled unless
// a test says otherwise. A smaller one makes undated counts cheaper and
// publishing dearer.
const settleSize = 48 << 10

// settle merges what is recent of a day into the day and into any time, once it
// has grown. first is the first day in force of each label.
func (c *chunkView) settle(builder *block.Builder, day Day, first []Day, above int) *chunkView {
	i, ok := c.openDay(day)
	if !ok || c.open[i].recent.Size() <= above {
		return c
	}
	next := *c
	next.open = slices.Clone(c.open)
	o := &next.open[i]
	next.any = builder.Union([]*block.Block{c.any, o.recent}, inForce(1, day, first), nil)
	o.settled = builder.Union([]*block.Block{o.settled, o.recent}, nil, nil)
	o.recent = nil
	return &next
}

// inForce lets a block's labels into any time when the day is in force for
// them; the blocks before it are any time already.
func inForce(from int, day Day, first []Day) func(i int, label uint32) bool {
	return func(i int, label uint32) bool { return i < from || int(label) < len(first) && day >= first[label] }
}

// openDay returns the place of an open day, or where it would be.
func (c *chunkView) openDay(day Day) (int, bool) {
	i := sort.Search(len(c.open), func(i int) bool { return c.open[i].day >= day })
	return i, i < len(c.open) && c.open[i].day == day
}

func (c *chunkView) sealedDay(day Day) *sealedDay {
	i := sort.Search(len(c.sealed), func(i int) bool { return c.sealed[i].day >= day })
	if i < len(c.sealed) && c.sealed[i].day == day {
		return &c.sealed[i]
	}
	return nil
}

// mergeMasks applies the gathered changes of masks.
func (f *fold) mergeMasks(chunks []*chunkView) {
	for c, change := range f.masks {
		next := *chunks[c]
		for m := range maskCount {
			if change.add[m] != nil {
				next.masks = f.workers[0].Toggle(next.masks, uint32(m), change.add[m], change.remove[m])
			}
		}
		chunks[c] = &next
		f.dirtyMasks[c] = true
	}
	clear(f.masks)
}
