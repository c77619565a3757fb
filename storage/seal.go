package storage

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"sosie/storage/block"
)

// roll moves the day on: any-time blocks follow, days that are over are sealed,
// days past their retention are dropped, erased users leave the disk.
func (f *fold) roll(today Day) error {
	f.refresh()
	f.rollDue, f.rolled = true, f.s.clock()
	if f.expiring(today) || f.backwards(today) {
		f.derive(today)
	} else {
		f.setDay(today)
	}
	err := errors.Join(f.seal(today), f.expire(), f.purgeIfDue())
	f.rollDue = err != nil || f.s.readers.Load() > 0 // then nothing has expired yet
	return err
}

// setDay publishes the view with another day.
func (f *fold) setDay(today Day) {
	next := *f.s.View()
	next.stamp.Day, next.stamp.At = today, f.s.clock()
	f.s.current.Store(&next)
}

// anyDays returns the days that any-time blocks may hold: the sealed ones, and
// open ones with a settled block.
func (f *fold) anyDays() map[Day]bool {
	days := map[Day]bool{}
	for day := range f.disk {
		days[day] = true
	}
	for _, c := range f.s.View().chunks {
		for _, o := range c.open {
			if o.settled != nil {
				days[o.day] = true
			}
		}
	}
	return days
}

// expiring reports whether any time holds a label of a day that is in force
// today and will not be on the given day.
func (f *fold) expiring(today Day) bool {
	now := f.s.View().stamp.Day
	for day := range f.anyDays() {
		for l := range f.dictionary.Len() {
			if day >= f.dictionary.first(Label(l), now) && day < f.dictionary.first(Label(l), today) {
				return true
			}
		}
	}
	return false
}

// backwards reports whether the clock has gone back, or comes forward again to
// days that any time had left out meanwhile.
func (f *fold) backwards(today Day) bool {
	now := f.s.View().stamp.Day
	if today < now {
		return true
	}
	for day := range f.anyDays() {
		if day > now {
			return true
		}
	}
	return false
}

// derive computes every chunk's any-time block for a day from its sealed days,
// and what is settled of open ones,
// and publishes all of them at once, so that no answer mixes two days. While it
// works, answers stay true of the day before.
func (f *fold) derive(today Day) {
	f.rederive, f.deriving = false, true
	defer func() { f.deriving = false }()
	labels := f.dictionary
	fresh := make([]derived, len(f.s.View().chunks))
	const group = 16 // chunks between two breaths
	for from := 0; from < len(fresh); from += group {
		chunks := f.s.View().chunks
		f.parallel(min(group, len(fresh)-from), func(worker, i int) {
			fresh[from+i] = f.deriveChunk(worker, from+i, chunks[from+i], labels, today)
		})
		f.breathe()
	}
	next := *f.s.View()
	next.chunks = slices.Clone(next.chunks)
	for i, d := range fresh {
		c := *next.chunks[i]
		c.any, c.damage = d.any, d.damage
		next.chunks[i] = &c
	}
	next.stamp.Day, next.stamp.At, next.labels = today, f.s.clock(), labels
	f.s.current.Store(&next)
}

type derived struct {
	any    *block.Block
	damage error
}

// deriveChunk unites all sealed days of a chunk, and what is settled of open
// ones, as far as in force on a day.
func (f *fold) deriveChunk(worker, chunk int, c *chunkView, labels *Labels, on Day) derived {
	var blocks []*block.Block
	var days []Day
	for i := range c.sealed {
		d := &c.sealed[i]
		if d.damage != nil {
			return derived{damage: d.damage}
		}
		parts := d.blocks
		if parts == nil {
			var err error
			if parts, err = f.s.readDay(chunk, d.day, d.classes); err != nil {
				return derived{damage: err}
			}
		}
		for _, b := range parts {
			blocks, days = append(blocks, b), append(days, d.day)
		}
	}
	for _, o := range c.open {
		if o.settled != nil {
			blocks, days = append(blocks, o.settled), append(days, o.day)
		}
	}
	first := firstDays(labels, on)
	keep := func(i int, label uint32) bool {
		return int(label) < len(first) && days[i] >= first[label] && days[i] <= on
	}
	return derived{any: f.workers[worker].Union(blocks, keep, f.erased[chunk])}
}

// firstDays is labels.first of every label.
func firstDays(labels *Labels, on Day) []Day {
	first := make([]Day, labels.Len())
	for l := range first {
		first[l] = labels.first(Label(l), on)
	}
	return first
}

// seal writes the open days before a day as blocks, one per retention class
// and chunk, and throws their deltas away.
func (f *fold) seal(today Day) error {
	var days []Day
	for _, c := range f.s.View().chunks {
		for _, o := range c.open {
			if o.day < today && !slices.Contains(days, o.day) {
				days = append(days, o.day)
			}
		}
	}
	for day := range f.deltas { // a crash may have left deltas of a sealed day
		if day < today && !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	var failed error
	for _, day := range days {
		if err := f.sealDay(day); err != nil { // another day may fare better
			failed = errors.Join(failed, fmt.Errorf("seal day %s: %w", day, err))
		}
	}
	return failed
}

// sealDay seals one day, chunk by chunk; each becomes visible as it is written.
func (f *fold) sealDay(day Day) error {
	f.publish()
	var failed error
	for chunk := range f.s.View().chunks {
		if err := f.s.room(); err != nil {
			return err
		}
		if err := f.s.step("seal block"); err != nil {
			return err
		}
		failed = errors.Join(failed, f.sealChunk(day, chunk))
		f.breathe()
	}
	if failed != nil {
		return failed // the deltas of a chunk that is not sealed must stay
	}
	// Events of the day that came in meanwhile are unsaved, so in no delta.
	if err := f.s.step("seal drop deltas"); err != nil {
		return err
	}
	if f.deltas[day] {
		if err := f.s.dropPrefixes([][]byte{deltaPrefix(day)}); err != nil {
			return fmt.Errorf("drop deltas: %w", err)
		}
		delete(f.deltas, day)
	}
	f.evict()
	return nil
}

func (f *fold) sealChunk(day Day, chunk int) error {
	c := f.s.View().chunks[chunk]
	i, ok := c.openDay(day)
	if !ok {
		return nil
	}
	builder := &f.workers[0]
	o := c.open[i]
	if err := f.saveLabels(0); err != nil { // no block may be ahead of the dictionary
		return err
	}
	byClass := f.splitByClass(builder.Union([]*block.Block{o.settled, o.recent}, nil, f.erased[chunk]), day)
	sealed := sealedDay{day: day}
	var old []*block.Block
	if d := c.sealedDay(day); d != nil {
		if d.damage != nil {
			return d.damage
		}
		sealed.classes = slices.Clone(d.classes)
		if old = d.blocks; old == nil {
			var err error
			if old, err = f.s.readDay(chunk, day, d.classes); err != nil {
				return err
			}
		}
		sealed.blocks = slices.Clone(old)
	}
	for _, part := range byClass {
		if part.block == nil {
			continue
		}
		at := slices.Index(sealed.classes, part.class)
		merged := part.block
		if at >= 0 {
			// Those erased since the day was sealed leave with the next purge.
			merged = builder.Union([]*block.Block{sealed.blocks[at], part.block}, nil, nil)
			sealed.blocks[at] = merged
		} else {
			sealed.classes = append(sealed.classes, part.class)
			sealed.blocks = append(sealed.blocks, merged)
		}
		if err := f.s.writeBlock(part.class, day, chunk, merged); err != nil {
			return err
		}
		f.onDisk(day, part.class)
	}
	first := firstDays(f.dictionary, f.s.View().stamp.Day)
	next := *c
	if o.recent != nil {
		next.any = builder.Union([]*block.Block{c.any, o.recent}, inForce(1, day, first), f.erased[chunk])
	}
	next.open = slices.Delete(slices.Clone(c.open), i, i+1)
	if len(sealed.classes) > 0 {
		next.sealed = withSealed(c.sealed, sealed)
	}
	f.replace(chunk, &next)
	// Bits that the log holds and no delta does yet are in the blocks now.
	if u := f.unsaved[day]; u != nil && chunk < len(u.chunks) {
		f.unsavedN -= len(u.chunks[chunk])
		u.chunks[chunk] = u.chunks[chunk][:0]
	}
	return nil
}

// replace publishes one chunk.
func (f *fold) replace(chunk int, c *chunkView) {
	next := *f.s.View()
	next.chunks = slices.Clone(next.chunks)
	next.chunks[chunk] = c
	f.s.current.Store(&next)
}

func withSealed(days []sealedDay, d sealedDay) []sealedDay {
	i, found := slices.BinarySearchFunc(days, d.day, func(s sealedDay, day Day) int { return cmp.Compare(s.day, day) })
	if found {
		days = slices.Clone(days)
		days[i] = d
		return days
	}
	return slices.Insert(slices.Clone(days), i, d)
}

func (f *fold) onDisk(day Day, class int) {
	if !slices.Contains(f.disk[day], class) {
		f.disk[day] = append(f.disk[day], class)
	}
}

// classed is the part of a day's block whose labels share a retention.
type classed struct {
	class int
	block *block.Block
}

// splitByClass divides a block by the retention of its labels, so that what
// expires together lies together. Labels that have expired are left out.
func (f *fold) splitByClass(b *block.Block, day Day) []classed {
	return splitByClass(&f.workers[0], f.dictionary, b, day, f.deletionDay())
}

func splitByClass(builder *block.Builder, labels *Labels, b *block.Block, day, deletion Day) []classed {
	var classes []int
	class := func(label uint32) int {
		if day < labels.first(Label(label), deletion) {
			return 0
		}
		return labels.retention(Label(label))
	}
	for i := range b.Len() {
		if c := class(b.Label(i)); c > 0 && !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	var out []classed
	for _, c := range classes {
		part := builder.Union([]*block.Block{b}, func(_ int, label uint32) bool { return class(label) == c }, nil)
		out = append(out, classed{class: c, block: part})
	}
	return out
}

// expire drops the days whose retention class has run out, judged by the
// highest day seen in the log, and frees their room on the device. Labels that
// have meanwhile been given a longer retention move to their new class first.
func (f *fold) expire() error {
	if f.s.readers.Load() > 0 {
		return nil // a snapshot may still read what would be dropped
	}
	if err := f.s.room(); err != nil {
		return err
	}
	var prefixes [][]byte
	gone := map[Day][]int{}
	var failed error
	for day, classes := range f.disk {
		for _, class := range classes {
			if day > f.deletionDay()-Day(class) {
				continue
			}
			if err := f.rescue(day, class); err != nil { // it stays, others may go
				failed = errors.Join(failed, fmt.Errorf("expire day %s: %w", day, err))
				continue
			}
			prefixes = append(prefixes, dayPrefix(class, day))
			gone[day] = append(gone[day], class)
		}
	}
	if len(prefixes) == 0 {
		return failed
	}
	f.forgetDays(gone)
	if err := f.s.step("expire"); err != nil {
		return err
	}
	if err := f.s.dropPrefixes(prefixes); err != nil {
		return fmt.Errorf("expire %d days: %w", len(gone), err)
	}
	for day, classes := range gone {
		f.disk[day] = slices.DeleteFunc(f.disk[day], func(c int) bool { return slices.Contains(classes, c) })
		if len(f.disk[day]) == 0 {
			delete(f.disk, day)
		}
	}
	return errors.Join(failed, f.s.loadClaims(f.s.clock().Add(-ClaimLife).Unix()))
}

// rescue moves the labels of an expiring class that are still in force, because
// their retention was lengthened, back to the day's open blocks.
func (f *fold) rescue(day Day, class int) error {
	alive := false
	for l := range f.dictionary.Len() {
		alive = alive || f.dictionary.first(Label(l), f.deletionDay()) <= day && f.dictionary.retention(Label(l)) != class
	}
	if !alive {
		return nil
	}
	for chunk := range f.s.View().chunks {
		b, err := f.s.readBlock(class, day, chunk)
		if err != nil {
			return err
		}
		kept := f.workers[0].Union([]*block.Block{b}, func(_ int, label uint32) bool {
			return f.dictionary.first(Label(label), f.deletionDay()) <= day
		}, nil)
		for _, part := range f.splitByClass(kept, day) {
			if part.class == class {
				continue
			}
			old, err := f.s.readBlock(part.class, day, chunk)
			if err != nil {
				return err
			}
			merged := f.workers[0].Union([]*block.Block{old, part.block}, nil, nil)
			if err := f.s.writeBlock(part.class, day, chunk, merged); err != nil {
				return err
			}
			f.onDisk(day, part.class)
			c := *f.s.View().chunks[chunk]
			if d := c.sealedDay(day); d != nil {
				sealed := sealedDay{day: day, damage: d.damage, classes: slices.Clone(d.classes), blocks: slices.Clone(d.blocks)}
				at := slices.Index(sealed.classes, part.class)
				if at < 0 {
					sealed.classes = append(sealed.classes, part.class)
					if sealed.blocks != nil {
						sealed.blocks = append(sealed.blocks, merged)
					}
				} else if sealed.blocks != nil {
					sealed.blocks[at] = merged
				}
				c.sealed = withSealed(c.sealed, sealed)
				f.replace(chunk, &c)
			}
		}
	}
	return nil
}

// forgetDays takes expired classes out of the view.
func (f *fold) forgetDays(gone map[Day][]int) {
	next := *f.s.View()
	next.chunks = slices.Clone(next.chunks)
	for i, c := range next.chunks {
		var kept []sealedDay
		for _, d := range c.sealed {
			if classes, ok := gone[d.day]; ok {
				d = d.without(classes)
			}
			if len(d.classes) > 0 {
				kept = append(kept, d)
			}
		}
		fresh := *c
		fresh.sealed = kept
		next.chunks[i] = &fresh
	}
	f.s.current.Store(&next)
}

func (d sealedDay) without(classes []int) sealedDay {
	out := sealedDay{day: d.day, damage: d.damage}
	for i, class := range d.classes {
		if slices.Contains(classes, class) {
			continue
		}
		out.classes = append(out.classes, class)
		if d.blocks != nil {
			out.blocks = append(out.blocks, d.blocks[i])
		}
	}
	return out
}

// dropPrefixes frees the room of all keys below the prefixes at once.
func (s *Store) dropPrefixes(prefixes [][]byte) error {
	return s.db.DropPrefix(prefixes...)
}
