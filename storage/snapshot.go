package storage

import (
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"sosie/storage/block"
)

// About is what a store is, beside what it knows of users.
type About struct {
	// ID is the store's name; its keys belong to it.
	ID string `json:"id"`
	// Created is when the store was born.
	Created time.Time `json:"created"`
	// Epoch is the life the store is in, Epochs the lives after the first.
	Epoch  uint16  `json:"epoch"`
	Epochs []Epoch `json:"epochs,omitempty"`
	// Seq is the batch of the log that this is true of.
	Seq uint64 `json:"seq"`
	// Day is the day on which labels were in force.
	Day Day `json:"day"`
	// Users is above every ordinal that has a record.
	Users Ordinal `json:"users"`
	// HighWater is the ordinal below which all have been given out or skipped.
	HighWater Ordinal `json:"high_water"`
	// Horizon is the day that deletion by retention follows.
	Horizon Day `json:"horizon"`
	// Jump is a day ahead of the horizon that waits for an operator's word; 0
	// when there is none.
	Jump Day `json:"jump,omitempty"`
	// Spaces are the id spaces in the order of their numbers.
	Spaces []string `json:"spaces"`
}

// Count is how many ordinals have been given out, or may have been, up to the
// last that has a record.
func (about About) Count() Ordinal { return about.Users - skipped(about.Epochs, about.Users) }

// Snapshot is the whole store at one sequence of the log: a view, and what
// only the device holds, ids and evicted days. While it is open nothing expires.
type Snapshot struct {
	store *Store
	view  *View
	about About
	txn   *badger.Txn
}

// Snapshot returns the store as of everything appended before the call. Close it
// soon: what it reads keeps its room on the device.
func (s *Store) Snapshot() (snap *Snapshot, err error) {
	err = s.askFor(ask{what: askWork, work: func(f *fold) (err error) {
		snap, err = f.snapshot()
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("take snapshot: %w", err)
	}
	return snap, nil
}

// snapshot runs in the fold, the only writer of the store directory: between two
// of its steps the view, the cursor and the ids are of one sequence. Ids still
// in memory are written first, also below the reserve, which is there for what is
// bounded and must be done; a replay of the log would say the same again.
func (f *fold) snapshot() (*Snapshot, error) {
	f.refresh()
	for f.rederive { // labels that changed meanwhile
		f.refresh()
	}
	if err := f.fatal(); err != nil {
		return nil, err
	}
	if err := f.saveIDs(f.seq); err != nil {
		return nil, fmt.Errorf("save ids: %w", err)
	}
	s := f.s
	s.readers.Add(1)
	return &Snapshot{
		store: s,
		view:  s.View(),
		txn:   s.db.NewTransaction(false),
		about: About{
			ID: s.about.ID, Created: s.about.Created, Epoch: s.about.Epoch, Epochs: s.about.Epochs,
			Seq: f.seq, Day: s.View().stamp.Day, Users: f.cursor.Users, HighWater: s.HighWater(), Horizon: f.cursor.Horizon, Jump: f.cursor.Jump,
			Spaces: s.spaces.names(),
		},
	}, nil
}

// Close lets what expired meanwhile go.
func (s *Snapshot) Close() {
	s.txn.Discard()
	s.store.readers.Add(-1)
}

// About says what the store is.
func (s *Snapshot) About() About { return s.about }

// View is the view of the same sequence.
func (s *Snapshot) View() *View { return s.view }

// Days returns every day that holds something, ascending.
func (s *Snapshot) Days() []Day {
	found := map[Day]bool{}
	for _, c := range s.view.chunks {
		for i := range c.sealed {
			found[c.sealed[i].day] = true
		}
		for _, o := range c.open {
			found[o.day] = true
		}
	}
	days := make([]Day, 0, len(found))
	for day := range found {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}

// Day returns everything held of a chunk on a day, without the erased users; nil
// when there is nothing. A day that memory does not hold is read from the device,
// as it was at the snapshot.
func (s *Snapshot) Day(builder *block.Builder, chunk int, day Day) (*block.Block, error) {
	c := s.view.chunks[chunk]
	var blocks []*block.Block
	if d := c.sealedDay(day); d != nil {
		if d.damage != nil {
			return nil, d.damage
		}
		blocks = slices.Clone(d.blocks)
		if d.blocks == nil {
			var err error
			if blocks, err = readDay(s.txn, chunk, day, d.classes); err != nil {
				return nil, err
			}
		}
	}
	if i, ok := c.openDay(day); ok {
		blocks = append(blocks, c.open[i].settled, c.open[i].recent)
	}
	blocks = slices.DeleteFunc(blocks, func(b *block.Block) bool { return b.Len() == 0 })
	var erased *block.Words
	if at := c.masks.Find(uint32(Erased)); at >= 0 {
		erased = &block.Words{}
		c.masks.OrAt(erased, at)
	}
	if erased == nil && len(blocks) <= 1 {
		if len(blocks) == 0 {
			return nil, nil
		}
		return blocks[0], nil
	}
	return builder.Union(blocks, nil, erased), nil
}

// Masks returns the masks of a chunk as a block whose labels are numbers of
// masks; nil when it has none.
func (s *Snapshot) Masks(builder *block.Builder, chunk int) *block.Block {
	masks := s.view.chunks[chunk].masks
	return builder.Union([]*block.Block{masks}, func(_ int, mask uint32) bool { return mask < uint32(maskCount) }, nil)
}

// EachID calls fn with every id of a space and a user it names, in ascending
// order of ids, erased users left out. The id is valid only during the call.
func (s *Snapshot) EachID(space Space, fn func(external []byte, u Ordinal, day Day) error) error {
	prefix := []byte{keyForward, byte(space)}
	options := badger.DefaultIteratorOptions
	options.Prefix = prefix
	options.PrefetchValues = false // values lie beside their keys; a goroutine for each costs more
	it := s.txn.NewIterator(options)
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		item := it.Item()
		external := item.Key()[len(prefix):]
		err := item.Value(func(value []byte) error {
			holders, err := decodeHolders(value)
			if err != nil {
				return err
			}
			for _, h := range holders {
				if s.view.Masked(Erased, h.user) {
					continue
				}
				if err := fn(external, h.user, h.day); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read ids of %s: %w", s.about.Spaces[space], err)
		}
	}
	return nil
}
