package storage

import (
	"fmt"
	"time"

	"sosie/storage/block"
)

// fold is the one goroutine that turns the log into state: it gathers events
// per chunk, publishes snapshots, checkpoints, seals days and lets them expire.
// Nobody else writes to the store directory.
type fold struct {
	s *Store

	// cursor is the state that follows from the records folded so far.
	cursor cursor
	seq    uint64 // batch folded last
	labels []Label

	pending  map[Day]*dayEvents // not yet published
	today    *dayEvents         // pending of the day last used, a shortcut
	todayDay Day
	events   int

	unsaved  map[Day]*dayEvents // published, not yet checkpointed
	unsavedN int
	disk     map[Day][]int // retention classes on disk of each sealed day
	deltas   map[Day]bool  // days with deltas on disk

	masks      map[int]*maskChange  // not yet published
	dirtyMasks map[int]bool         // published, not yet checkpointed
	maskSeq    map[int]uint64       // sequence up to which a chunk's masks are on disk
	erased     map[int]*block.Words // users whose records are dropped
	purged     map[int]*block.Words // erased users of whom nothing is on disk
	purgeTried time.Time
	purgeErr   error // of the last purge

	dirtyLabels map[Label]bool
	dirtySpaces bool
	documents   documentSet
	// dirtyDocuments have changed since the last checkpoint.
	dirtyDocuments map[documentID]bool
	claims         []claimRow
	idsN           int // ids not yet checkpointed

	dictionary *Labels
	relabelled map[Label]LabelState // not yet in the dictionary
	// Any time of a chunk is what is sealed and what is settled of it, as far as
	// in force by the labels of the view. rederive is set when a changed
	// retention makes that stale.
	rederive bool
	// deriving holds settling back: what is derived now would not hold it.
	deriving bool

	// rollDue is set until a day that is over has been sealed and what expired
	// with it dropped.
	rollDue bool
	rolled  time.Time

	published  time.Time
	saved      time.Time
	savedSeq   uint64
	evictBelow Day   // days before it are evicted
	later      []ask // asked in the middle of other work
	workers    []block.Builder
	pace       *Pace
}

// dayEvents are the events of one day by chunk.
type dayEvents struct {
	chunks [][]block.Key
}

// grow makes room for a number of chunks.
func (d *dayEvents) grow(chunks int) {
	for len(d.chunks) < chunks {
		d.chunks = append(d.chunks, nil)
	}
}

// maskChange gathers the users that enter and leave the masks of one chunk.
type maskChange struct {
	add, remove [maskCount]*block.Words
}

const (
	// drainEvery is how often the fold looks into the log. Waking it for every
	// batch would cost the hits a goroutine switch each.
	drainEvery = 50 * time.Millisecond
	// restAfter is how many times it looks in vain before it rests: then it looks
	// as seldom as time makes something due, and the first batch wakes it.
	restAfter = 40
	// publishEvents publishes early when so many events have gathered.
	publishEvents = 400_000
	// checkpointEvents checkpoints early when so many events are unsaved.
	checkpointEvents = 8_000_000
	// checkpointIDs checkpoints early when so many ids are unsaved.
	checkpointIDs = 500_000
	// retryEvery is how long sealing waits after it failed, on a full device for
	// instance.
	retryEvery = 10 * time.Second
)

func newFold(s *Store) *fold {
	return &fold{
		s:              s,
		pending:        map[Day]*dayEvents{},
		unsaved:        map[Day]*dayEvents{},
		disk:           map[Day][]int{},
		deltas:         map[Day]bool{},
		masks:          map[int]*maskChange{},
		dirtyMasks:     map[int]bool{},
		maskSeq:        map[int]uint64{},
		erased:         map[int]*block.Words{},
		purged:         map[int]*block.Words{},
		dirtyLabels:    map[Label]bool{},
		dirtyDocuments: map[documentID]bool{},
		relabelled:     map[Label]LabelState{},
		workers:        make([]block.Builder, workerCount()),
		pace:           s.Pace(),
	}
}

// run folds until the store is closed.
func (f *fold) run() {
	defer close(f.s.folded)
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	quiet := 0 // turns that found the log empty
	for {
		select {
		case <-tick.C:
			before := f.seq
			if f.turn(); f.seq != before {
				quiet = 0
			} else if quiet++; quiet == restAfter && f.s.log.Rest(f.seq) {
				tick.Reset(max(drainEvery, min(f.s.options.PublishEvery, time.Second)))
			}
		case <-f.s.log.Woken():
			quiet = 0
			tick.Reset(drainEvery)
		case a := <-f.s.asks:
			a.done <- f.answer(a)
		case <-f.s.stop:
			f.refresh()
			f.note(&f.s.saveErr, f.save())
			return
		}
	}
}

// turn is one round of everything that time makes due.
func (f *fold) turn() {
	f.breathe()
	if f.rederive {
		f.refresh()
	}
	now := f.s.clock()
	if today := DayOf(now); today != f.s.View().stamp.Day || f.rollDue && now.Sub(f.rolled).Abs() > retryEvery {
		f.note(&f.s.rollErr, f.roll(today))
	}
	if now.Sub(f.saved).Abs() >= f.s.options.CheckpointEvery || f.unsavedN > checkpointEvents || f.idsN > checkpointIDs {
		f.note(&f.s.saveErr, f.save())
	}
	for len(f.later) > 0 {
		a := f.later[0]
		f.later = f.later[1:]
		a.done <- f.answer(a)
	}
}

// refresh publishes everything that the log has.
func (f *fold) refresh() {
	f.drain()
	if f.rederive {
		f.derive(f.s.View().stamp.Day)
	}
	f.publish()
}

// breathe keeps answers fresh in the middle of long work.
func (f *fold) breathe() {
	f.drain()
	since := f.s.clock().Sub(f.published)
	if f.events > publishEvents || since >= f.s.options.PublishEvery || since < 0 {
		f.publish()
	}
	for {
		select {
		case a := <-f.s.asks:
			if a.what != askPublish || f.rederive { // work of its own must not start inside other work
				f.later = append(f.later, a)
				continue
			}
			f.drain()
			f.publish()
			a.done <- f.fatal()
		default:
			return
		}
	}
}

// note keeps an error for Status until the same work succeeds.
func (f *fold) note(kept *error, err error) {
	f.s.statusMu.Lock()
	defer f.s.statusMu.Unlock()
	*kept = err
}

// ask is a request of another goroutine to the fold.
type ask struct {
	what askKind
	work func(f *fold) error // of askWork
	done chan error
}

type askKind int

const (
	askPublish    askKind = iota // fold and publish all that was appended
	askCheckpoint                // and save it
	askSeal                      // and seal every day but today
	askPurge                     // and take erased users off the disk
	askWork                      // and do work that needs the fold to itself
)

func (f *fold) answer(a ask) error {
	f.refresh()
	if today := DayOf(f.s.clock()); today != f.s.View().stamp.Day {
		if err := f.roll(today); err != nil {
			return err
		}
	}
	switch a.what {
	case askCheckpoint:
		return f.save()
	case askSeal:
		return f.seal(f.s.View().stamp.Day)
	case askPurge:
		return f.purge()
	case askWork:
		return a.work(f)
	}
	return f.fatal()
}

// fatal is why folding can go no further, or nil.
func (f *fold) fatal() error {
	f.s.statusMu.Lock()
	defer f.s.statusMu.Unlock()
	return f.s.foldErr
}

// drain folds every batch that the log has now. What is appended meanwhile
// waits for the next turn: an import that appends as fast as we fold must not
// keep checkpoints from being due, for what is unsaved is in memory.
func (f *fold) drain() {
	for last := f.s.log.Last(); f.seq < last && f.fatal() == nil; {
		batch, ok, err := f.s.log.Next(f.seq)
		if err == nil && ok {
			err = batch.Each(func(records []byte) error { return replay(records, f, &f.labels) })
			f.relabel()
		}
		if err != nil {
			f.fail(fmt.Errorf("fold log: %w", err))
			return
		}
		if !ok {
			return
		}
		f.seq = batch.Seq
		f.s.log.Forget(batch)
		if f.events > publishEvents {
			f.publish()
		}
	}
}

// hit gathers one user's labels of a day.
func (f *fold) hit(u Ordinal, day Day, labels []Label) {
	if f.gone(u) {
		return
	}
	f.see(day)
	f.relabel()
	on := f.deletionDay()
	d := f.today
	if d == nil || day != f.todayDay {
		if d = f.pending[day]; d == nil {
			d = &dayEvents{}
			f.pending[day] = d
		}
		f.today, f.todayDay = d, day
	}
	chunk, low := u.Chunk(), u.Low()
	d.grow(chunk + 1)
	keys := d.chunks[chunk]
	if day >= f.dictionary.first(Seen, on) {
		keys = append(keys, block.MakeKey(uint32(Seen), low))
	}
	for _, l := range labels {
		if day >= f.dictionary.first(l, on) {
			keys = append(keys, block.MakeKey(uint32(l), low))
		}
	}
	f.events += len(keys) - len(d.chunks[chunk])
	d.chunks[chunk] = keys
	f.cursor.Users = max(f.cursor.Users, u+1)
	f.pace.Step()
}

// see moves the horizon, which physical deletion follows. A jump of more than
// two days waits for an operator, so that a clock gone wrong deletes nothing.
func (f *fold) see(day Day) {
	switch {
	case f.cursor.Horizon == 0 || day > f.cursor.Horizon && day <= f.cursor.Horizon+2:
		f.cursor.Horizon = day
	case day > f.cursor.Horizon:
		f.cursor.Jump = max(f.cursor.Jump, day)
	}
}

// deletionDay is the day by which labels expire for good: the highest seen in
// the log, but none that is still to come.
func (f *fold) deletionDay() Day { return min(f.cursor.Horizon, f.s.View().stamp.Day) }

func (f *fold) horizon(day Day) {
	f.cursor.Horizon, f.cursor.Jump = max(f.cursor.Horizon, day), 0
}

func (f *fold) claim(nonce uint64, u Ordinal, at time.Time) {
	if f.gone(u) {
		return
	}
	f.s.claims.fold(nonce, u, at.Unix())
	f.claims = append(f.claims, claimRow{nonce: nonce, user: u, at: at.Unix()})
}

func (f *fold) leased(upto Ordinal) { f.cursor.Leased = upto }

func (f *fold) label(l Label, state LabelState) {
	f.relabelled[l] = state
	f.dirtyLabels[l] = true
}

// relabel puts the labels that have gathered into the dictionary, all at once:
// a dictionary is copied whole.
func (f *fold) relabel() {
	if len(f.relabelled) == 0 {
		return
	}
	old := f.dictionary
	f.dictionary = old.with(f.relabelled)
	for l := range f.relabelled {
		if int(l) < old.Len() && (old.retention(l) != f.dictionary.retention(l) || old.specs[l].Deleted != f.dictionary.specs[l].Deleted) {
			f.rederive = true
		}
	}
	f.rederive = f.rederive || old.longest != f.dictionary.longest
	clear(f.relabelled)
}

func (f *fold) space(number Space, name string) {
	f.s.spaces.add(number, name)
	f.dirtySpaces = true
}

func (f *fold) id(space Space, external []byte, u Ordinal, day Day) {
	if f.gone(u) {
		return
	}
	f.see(day)
	r := idRecord{space: space, external: string(external), user: u, day: day}
	if err := f.s.ids.remember(r); err != nil {
		f.fail(fmt.Errorf("fold id of user %d: %w", u, err))
	}
	f.idsN++
	f.pace.Step()
}

// fail stops the fold: what it cannot read it must not skip.
func (f *fold) fail(err error) {
	f.s.statusMu.Lock()
	defer f.s.statusMu.Unlock()
	f.s.foldErr = err
}

// mask applies a change of a mask, unless the chunk's masks already hold it.
func (f *fold) mask(m Mask, u Ordinal, on bool) {
	chunk := u.Chunk()
	if f.seq+1 <= f.maskSeq[chunk] {
		if m == Erased && f.gone(u) { // ids are saved after masks
			f.forgetIDs(u)
		}
		return
	}
	if m == Erased {
		f.erase(u, on)
	}
	c := f.masks[chunk]
	if c == nil {
		c = &maskChange{}
		f.masks[chunk] = c
	}
	if c.add[m] == nil {
		c.add[m], c.remove[m] = &block.Words{}, &block.Words{}
	}
	into, from := c.add[m], c.remove[m]
	if !on {
		into, from = from, into
	}
	into.Set(u.Low())
	from.Unset(u.Low())
	f.cursor.Users = max(f.cursor.Users, u+1)
}
