package storage

import (
	"fmt"

	"sosie/storage/block"
)

// Examine checks an open store against itself: every value on disk, the log
// behind the cursor, any time against the days, labels against the population,
// ids both ways. Answers stay fresh meanwhile; checkpoints wait. A store that is
// closed can be checked more closely: see Diagnose.
func (s *Store) Examine() (Report, error) {
	var report Report
	err := s.askFor(ask{what: askWork, work: func(f *fold) (err error) {
		report, err = f.examine()
		return err
	}})
	if err != nil {
		return report, fmt.Errorf("examine store: %w", err)
	}
	return report, nil
}

func (f *fold) examine() (Report, error) {
	if err := f.save(); err != nil { // what a crash left half written is whole then
		return Report{}, err
	}
	values, ids, err := f.examineValues()
	if err != nil {
		return Report{}, err
	}
	any, seen := f.examineView()
	return Report{Checks: []Check{f.examineTables(), values, f.examineLog(), f.examineState(), any, seen, ids}}, nil
}

// examineTables checks the tables that Badger has open: what has changed on the
// device since they were checked at the start.
func (f *fold) examineTables() (c Check) {
	c = Check{Name: "tables", Checked: comma(len(f.s.db.Tables())) + " open tables of the store directory"}
	defer func() {
		if r := recover(); r != nil { // Badger's own reader of blocks trusts them
			c.add(doRestore, "a table cannot be read: %v", r)
		}
	}()
	if err := f.aside(f.s.db.VerifyChecksum); err != nil {
		c.add(doRestore, "%v", err)
	}
	return c
}

// examineLog checks that the log holds every batch behind the cursor.
func (f *fold) examineLog() Check {
	c := Check{Name: "log"}
	var scan scanner
	n, err := f.s.log.Verify(f.savedSeq, func(records []byte) error { return replay(records, &scan, &scan.labels) })
	if err != nil {
		c.add(doRestore, "%v", err)
	}
	c.Checked = fmt.Sprintf("%s batches after %d", comma(n), f.savedSeq)
	return c
}

// examineState checks the cursor, the dictionary and the masks against each
// other.
func (f *fold) examineState() Check {
	c := Check{Name: "state", Checked: fmt.Sprintf("cursor, %s labels, %s id spaces, masks", comma(f.dictionary.Len()), comma(len(f.s.spaces.names())))}
	if last := f.s.log.Last(); f.cursor.Seq > last {
		c.add(doRestore, "the cursor is at batch %d, the log ends at %d", f.cursor.Seq, last)
	}
	for l, spec := range f.dictionary.specs {
		if !ValidLabelName(spec.Name) {
			c.add(doRestore, "label %d has no name", l)
		}
	}
	for space, name := range f.s.spaces.names() {
		if !ValidLabelName(name) {
			c.add(doRestore, "id space %d has no name", space)
		}
	}
	for chunk, view := range f.s.View().chunks {
		var erased, purged block.Words
		view.masks.Or(&erased, uint32(Erased))
		view.masks.Or(&purged, purgedMask)
		purged.AndNot(&erased)
		if !purged.Empty() {
			c.add(doBug, "%d users of chunk %d are purged and not erased", purged.Count(), chunk)
		}
	}
	return c
}

// examineView checks that any time is what the days say, and that whoever
// carries a label on a day was seen on it.
func (f *fold) examineView() (any, seen Check) {
	any, seen = Check{Name: "any time"}, Check{Name: "seen"}
	labels, pairs, blocks := 0, 0, 0
	for i := range f.s.View().chunks {
		v := f.s.View()
		c := v.chunks[i]
		for _, err := range chunkDamage(c) {
			any.add(doRestore, "chunk %d: %v", i, err)
		}
		if c.damage == nil {
			want := f.deriveChunk(0, i, c, v.labels, v.stamp.Day)
			got := f.workers[0].Union([]*block.Block{c.any}, nil, f.erased[i])
			labels += got.Len()
			pairs += got.Entries()
			if want.damage != nil {
				any.add(doRestore, "chunk %d: %v", i, want.damage)
			} else if !got.Equal(want.any) {
				any.add(doRestart, "chunk %d: any time holds %s pairs of user and label, its days %s", i, comma(got.Entries()), comma(want.any.Entries()))
			}
			blocks += f.examineSeen(&seen, v, i)
		}
		f.breathe()
	}
	any.Checked = fmt.Sprintf("%s users with a label, in %s bitmaps", comma(pairs), comma(labels))
	seen.Checked = fmt.Sprintf("%s days of chunks", comma(blocks))
	return any, seen
}

// chunkDamage lists what could not be read of a chunk when it was opened.
func chunkDamage(c *chunkView) (damages []error) {
	for _, d := range c.sealed {
		if d.damage != nil {
			damages = append(damages, d.damage)
		}
	}
	if c.damage != nil && len(damages) == 0 {
		damages = append(damages, c.damage)
	}
	return damages
}

// examineSeen checks the days of one chunk and returns how many there are.
func (f *fold) examineSeen(check *Check, v *View, chunk int) int {
	c := v.chunks[chunk]
	days := map[Day][]*block.Block{}
	for _, d := range c.sealed {
		blocks := d.blocks
		if blocks == nil {
			var err error
			if blocks, err = f.s.readDay(chunk, d.day, d.classes); err != nil {
				check.add(doRestore, "chunk %d: %v", chunk, err)
				continue
			}
		}
		days[d.day] = append(days[d.day], blocks...)
	}
	for _, o := range c.open {
		days[o.day] = append(days[o.day], o.settled, o.recent)
	}
	for day, blocks := range days {
		if day < v.labels.first(Seen, v.stamp.Day) {
			continue
		}
		var seen block.Words
		for _, b := range blocks {
			b.Or(&seen, uint32(Seen))
		}
		for _, b := range blocks {
			for i := range b.Len() {
				l := Label(b.Label(i))
				if int(l) >= v.labels.Len() || day < v.labels.first(l, v.stamp.Day) {
					continue
				}
				var users block.Words
				b.OrAt(&users, i)
				users.AndNot(&seen)
				if !users.Empty() {
					check.add(doRestore, "day %s, chunk %d: %d users carry %s and were not seen", day, chunk, users.Count(), v.labels.Spec(l).Name)
				}
			}
		}
	}
	return len(days)
}
