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
	next := &View{stamp: old.stamp, labels: f.dictionary, chunks: old.chunks, store: f.s}
	if f.rederive {
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
		f.mergeEvents(next.chunks)
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

// mergeEvents moves the pending events into the chunks' open days.
func (f *fold) mergeEvents(chunks []*chunkView) {
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
			keys := sortKeys(events.chunks[c])
			next, fresh := chunks[c].withEvents(&f.workers[worker], day, keys)
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
	i := sort.Search(len(c.open), func(i int) bool { return c.open[i].day >= day })
	var before *block.Block
	exists := i < len(c.open) && c.open[i].day == day
	if exists {
		before = c.open[i].block
	}
	merged, fresh := builder.Merge(before, keys)
	if len(fresh) == 0 {
		return c, nil
	}
	next := *c
	if exists {
		next.open = slices.Clone(c.open)
		next.open[i].block = merged
	} else {
		next.open = slices.Insert(slices.Clone(c.open), i, openDay{day: day, block: merged})
	}
	return &next, fresh
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
