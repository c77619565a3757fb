package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"

	"sosie/storage/block"
	"sosie/storage/commitlog"
)

// Rebuild writes the directory of a store from what a Snapshot gave, in one pass
// and sorted, so that it costs little more than writing it once. The directory is
// no store before Finish has written store.json, last of all.
//
// Call, in this order: Labels, Documents, Mask, Day, ID, each as often as
// needed, and Finish. Nothing of users in the Erased mask gets in.
type Rebuild struct {
	dir     string
	about   About
	labels  *Labels
	erased  map[int]*block.Words
	builder block.Builder

	db      *badger.DB
	writer  *badger.StreamWriter
	buffer  *z.Buffer
	streams map[stream]*streamState

	ids idSpool
}

// stream is a range of keys that are written in ascending order.
type stream struct {
	kind byte
	// of is the retention class of blocks, the space of ids.
	of int
}

type streamState struct {
	number uint32
	last   []byte
}

// rebuildFile marks a directory that is no store yet, whatever is in it already.
const rebuildFile = "rebuilding"

const (
	rebuildTable  = 16 << 20 // bytes of a table, and of what each stream gathers
	rebuildBuffer = 4 << 20  // bytes handed over at once
)

// NewRebuild begins, in a directory that is empty or not there, a store that goes
// on from about in a new epoch.
func NewRebuild(dir string, about About, epoch Epoch) (*Rebuild, error) {
	fail := func(err error) (*Rebuild, error) { return nil, fmt.Errorf("rebuild store %s: %w", dir, err) }
	if epoch.Number <= about.Epoch || epoch.Start < epoch.Mark || epoch.Mark < max(about.HighWater, about.Users) {
		return fail(fmt.Errorf("epoch %d from ordinal %d does not follow epoch %d", epoch.Number, epoch.Start, about.Epoch))
	}
	about.Epoch, about.Epochs = epoch.Number, append(slices.Clone(about.Epochs), epoch)
	about.HighWater = epoch.Start
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("rebuild store: %w", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return fail(errors.Join(err, errors.New("the directory is not empty")))
	}
	if err := writeFileSynced(filepath.Join(dir, rebuildFile), nil); err != nil {
		return fail(err)
	}
	options := storeOptions(filepath.Join(dir, storeDir)).
		WithSyncWrites(false). // Finish syncs
		WithBaseTableSize(rebuildTable)
	options.TableSizeMultiplier = 1
	db, err := badger.Open(options)
	if err != nil {
		return fail(err)
	}
	r := &Rebuild{dir: dir, about: about, erased: map[int]*block.Words{}, db: db, writer: db.NewStreamWriter(),
		buffer: z.NewBuffer(rebuildBuffer+maxValue, "rebuild"), streams: map[stream]*streamState{}}
	r.ids.dir = filepath.Join(dir, "ids")
	if err := r.writer.Prepare(); err != nil {
		return fail(errors.Join(err, r.Abort()))
	}
	return r, nil
}

// put writes one key of a stream; the keys of a stream ascend.
func (r *Rebuild) put(s stream, key, value []byte) error {
	state := r.streams[s]
	if state == nil {
		state = &streamState{number: uint32(len(r.streams) + 1)}
		r.streams[s] = state
	}
	if bytes.Compare(key, state.last) <= 0 {
		return fmt.Errorf("write key %x: it does not follow %x", key, state.last)
	}
	state.last = append(state.last[:0], key...)
	badger.KVToBuffer(&pb.KV{Key: key, Value: value, Version: 1, StreamId: state.number}, r.buffer)
	if r.buffer.LenNoPadding() < rebuildBuffer {
		return nil
	}
	return r.flush()
}

func (r *Rebuild) flush() error {
	defer r.buffer.Reset()
	return r.writer.Write(r.buffer)
}

// done says that nothing more comes of a kind, so that its memory is free.
func (r *Rebuild) done(s stream) {
	if state := r.streams[s]; state != nil {
		badger.KVToBuffer(&pb.KV{StreamId: state.number, StreamDone: true}, r.buffer)
	}
}

// Labels writes the dictionary, in the order of numbers.
func (r *Rebuild) Labels(states []LabelState) error {
	names := map[string]bool{}
	for _, state := range states {
		if normal, err := state.normal(); err != nil {
			return err
		} else if !normal.equal(state.LabelSpec) {
			return fmt.Errorf("write label %s: %w: it is not as it would be kept", state.Name, ErrCorrupt)
		}
		if names[state.Name] && !state.Deleted {
			return fmt.Errorf("write label %s: %w: it occurs twice", state.Name, ErrCorrupt)
		}
		names[state.Name] = names[state.Name] || !state.Deleted
	}
	if len(states) == 0 || states[Seen].Name != seenName || states[Seen].Deleted {
		return fmt.Errorf("write labels: %w: the first is not %s", ErrCorrupt, seenName)
	}
	r.labels = newLabels(states)
	s := stream{kind: keyLabel}
	for l, state := range states {
		value, err := checkedJSON(state)
		if err != nil {
			return err
		}
		if err := r.put(s, labelKey(Label(l)), value); err != nil {
			return fmt.Errorf("write label %s: %w", state.Name, err)
		}
	}
	r.done(s)
	return nil
}

// Document is a document on its way.
type Document struct {
	Kind, Name string
	Value      []byte
}

// Documents writes all documents.
func (r *Rebuild) Documents(documents []Document) error {
	keys := map[string][]byte{}
	for _, d := range documents {
		if err := (&Edit{changes: documentSet{}}).Put(d.Kind, d.Name, d.Value); err != nil {
			return err
		}
		keys[string(documentKey(documentID{d.Kind, d.Name}))] = d.Value
	}
	s := stream{kind: keyDocument}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := r.put(s, []byte(key), checked(slices.Clone(keys[key]))); err != nil {
			return fmt.Errorf("write document: %w", err)
		}
	}
	r.done(s)
	return nil
}

// Masks writes the masks of a chunk, in ascending order of chunks: a block whose
// labels are numbers of masks, and more users to be erased, which may be nil. It
// returns how many of those were not erased yet.
func (r *Rebuild) Masks(chunk int, masks *block.Block, erase *block.Words) (fresh int, err error) {
	for i := range masks.Len() {
		if masks.Label(i) >= uint32(maskCount) {
			return 0, fmt.Errorf("write masks of chunk %d: %w: mask %d is unknown: was the dump made by a newer version?", chunk, ErrCorrupt, masks.Label(i))
		}
	}
	if erase != nil {
		before := &block.Words{}
		masks.Or(before, uint32(Erased))
		added := *erase
		added.AndNot(before)
		fresh = added.Count()
		masks = r.builder.Toggle(masks, uint32(Erased), erase, &block.Words{})
	}
	if masks.Len() == 0 {
		return 0, nil
	}
	erased := &block.Words{}
	if masks.Or(erased, uint32(Erased)); !erased.Empty() {
		r.erased[chunk] = erased
		masks = r.builder.Toggle(masks, purgedMask, erased, &block.Words{}) // nothing of theirs gets in
	}
	if err := r.put(stream{kind: keyMask}, maskKey(chunk), encodeMasks(r.about.Seq, masks)); err != nil {
		return 0, fmt.Errorf("write masks of chunk %d: %w", chunk, err)
	}
	return fresh, nil
}

// Day writes everything held of a chunk on a day, in ascending order of days,
// then chunks. Labels that had expired stay out.
func (r *Rebuild) Day(day Day, chunk int, b *block.Block) error {
	if n := b.Len(); n > 0 && int(b.Label(n-1)) >= r.labels.Len() {
		return fmt.Errorf("write day %s of chunk %d: %w: label %d is not in the dictionary", day, chunk, ErrCorrupt, b.Label(n-1))
	}
	if erased := r.erased[chunk]; erased != nil {
		b = r.builder.Union([]*block.Block{b}, nil, erased)
	}
	for _, part := range splitByClass(&r.builder, r.labels, b, day, min(r.about.Horizon, r.about.Day)) {
		s := stream{kind: keyBlock, of: part.class}
		for i, value := range slices.Collect(slices.Chunk(part.block.AppendEncoded(nil), maxValue)) {
			if i >= otherCopy {
				return fmt.Errorf("write day %s of chunk %d: the block is too large", day, chunk)
			}
			if err := r.put(s, partKey(part.class, day, chunk, i), value); err != nil {
				return fmt.Errorf("write day %s of chunk %d: %w", day, chunk, err)
			}
		}
	}
	return nil
}

// Finish makes everything durable, and the directory a store.
func (r *Rebuild) Finish() error {
	err := r.finish()
	if err != nil {
		return fmt.Errorf("rebuild store %s: %w", r.dir, errors.Join(err, r.Abort()))
	}
	return nil
}

func (r *Rebuild) finish() error {
	if err := r.ids.end(r); err != nil {
		return err
	}
	spaces, err := checkedJSON(r.about.Spaces)
	if err != nil {
		return err
	}
	at, err := checkedJSON(cursor{Seq: r.about.Seq, Users: r.about.Users, Leased: r.about.HighWater, Horizon: r.about.Horizon, Jump: r.about.Jump})
	if err != nil {
		return err
	}
	if err := errors.Join(
		r.put(stream{kind: keySpace}, []byte{keySpace}, spaces),
		r.put(stream{kind: keyCursor}, []byte{keyCursor}, at),
		r.flush(),
	); err != nil {
		return err
	}
	if err := r.writer.Flush(); err != nil {
		return err
	}
	if err := r.close(); err != nil {
		return err
	}
	log, err := commitlog.Open(filepath.Join(r.dir, logDir), r.about.Seq, commitlog.Options{})
	if err != nil {
		return err
	}
	if err := log.Close(); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(r.dir, rebuildFile)); err != nil {
		return err
	}
	if err := syncTree(r.dir); err != nil {
		return err
	}
	return identity{Format: epochsFormat, ID: r.about.ID, Epoch: r.about.Epoch, Created: r.about.Created, Epochs: r.about.Epochs}.write(r.dir)
}

// Abort lets go of what was begun, unless Finish has. The directory is the
// caller's to remove.
func (r *Rebuild) Abort() error {
	if r.db == nil {
		return nil
	}
	r.writer.Cancel()
	return errors.Join(r.ids.close(), r.close())
}

func (r *Rebuild) close() error {
	db := r.db
	r.db = nil
	return errors.Join(r.buffer.Release(), db.Close())
}

// syncTree makes every file and name below a directory durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
