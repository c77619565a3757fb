package dump

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"sosie/storage"
	"sosie/storage/block"
)

// RestoreOptions say how to restore.
type RestoreOptions struct {
	// Epoch is the life that the restored store begins; see About.NextEpoch.
	Epoch storage.Epoch
	// Erased are users erased since the dump, or before; none of what the dump
	// has of them is restored.
	Erased []storage.Ordinal
	// Progress may be nil.
	Progress Progress
}

// Restored says what was restored.
type Restored struct {
	// Erased is how many users were erased that the dump did not know as such.
	Erased int
	// Users is the sum of users of all bitmaps read.
	Users uint64
}

// Restore makes a store of a dump in a directory that does not exist or is
// empty. It does not compare sums: call Check first. After an error, or when ctx
// ends, there is nothing that looks like a store.
func Restore(ctx context.Context, dir string, m *Manifest, data string, o RestoreOptions) (Restored, error) {
	data = filepath.Clean(data)
	r, err := restore(ctx, dir, m, data, o)
	if err != nil {
		return Restored{}, fmt.Errorf("restore dump %s: %w", dir, err)
	}
	return r, nil
}

func restore(ctx context.Context, dir string, m *Manifest, data string, o RestoreOptions) (_ Restored, err error) {
	aside, err := Aside(data)
	if err != nil {
		return Restored{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(aside))
		}
	}()
	store, err := storage.NewRebuild(aside, m.Store, o.Epoch)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, store.Abort()) }() // nothing after Finish
	r := &reader{ctx: ctx, dir: dir, manifest: m, store: store, options: o}
	if err := r.all(); err != nil {
		return Restored{}, err
	}
	if err := store.Finish(); err != nil {
		return Restored{}, err
	}
	return r.restored, Settle(aside, data)
}

// reader reads one dump into a store.
type reader struct {
	ctx      context.Context
	dir      string
	manifest *Manifest
	store    *storage.Rebuild
	options  RestoreOptions
	labels   map[string]storage.Label
	builder  block.Builder
	restored Restored
}

// order is the order in which a Rebuild wants the files.
var order = []string{HoldsLabels, HoldsDocuments, HoldsMasks, HoldsBitmaps, HoldsIDs}

func (r *reader) all() error {
	files := slices.DeleteFunc(slices.Clone(r.manifest.Files), func(f File) bool { return f.Holds == HoldsKeys })
	for _, f := range files {
		if !slices.Contains(order, f.Holds) {
			return fmt.Errorf("%w: %s holds %q", ErrFormat, f.Name, f.Holds)
		}
	}
	slices.SortStableFunc(files, func(a, b File) int { return slices.Index(order, a.Holds) - slices.Index(order, b.Holds) })
	for i, f := range files {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if r.options.Progress != nil {
			r.options.Progress(i, len(files), r.restored.Users)
		}
		if err := r.file(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return r.ctx.Err()
}

func (r *reader) file(f File) (err error) {
	file, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(f.Name)))
	if err != nil {
		return err
	}
	defer file.Close()
	from := io.Reader(bufio.NewReaderSize(file, 256<<10))
	if filepath.Ext(f.Name) == ".zst" {
		decoder, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer decoder.Close()
		from = decoder
	}
	switch f.Holds {
	case HoldsLabels:
		return r.readLabels(from)
	case HoldsDocuments:
		return r.readDocuments(from)
	case HoldsMasks:
		return r.readMasks(from)
	case HoldsBitmaps:
		return r.readDay(f.Day, from)
	default:
		return r.readIDs(f.Space, from)
	}
}

func (r *reader) readLabels(from io.Reader) error {
	r.labels = map[string]storage.Label{}
	var states []storage.LabelState
	err := eachLine(from, func(text []byte) error {
		var line labelLine
		if err := decodeLine(text, &line); err != nil {
			return err
		}
		if int(line.Number) != len(states) {
			return fmt.Errorf("%w: label %s has number %d, want %d", ErrDamaged, line.Name, line.Number, len(states))
		}
		if states = append(states, line.LabelState); !line.Deleted {
			r.labels[line.Name] = line.Number
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.store.Labels(states)
}

func (r *reader) readDocuments(from io.Reader) error {
	var documents []storage.Document
	err := eachLine(from, func(text []byte) error {
		var line documentLine
		if err := decodeLine(text, &line); err != nil {
			return err
		}
		value := []byte(line.Value)
		if value == nil {
			value = line.Bytes
		}
		documents = append(documents, storage.Document{Kind: line.Kind, Name: line.Name, Value: value})
		return nil
	})
	if err != nil {
		return err
	}
	return r.store.Documents(documents)
}

// readMasks reads the masks, and adds the users to be erased.
func (r *reader) readMasks(from io.Reader) error {
	masks := byChunk{}
	err := readBitmaps(from, func(name string, containers []block.Container) error {
		mask, ok := storage.MaskNamed(name)
		if !ok {
			return fmt.Errorf("%w: mask %q is unknown: was the dump made by a newer version?", ErrFormat, name)
		}
		masks.add(uint32(mask), containers)
		return nil
	})
	if err != nil {
		return err
	}
	erase := map[int]*block.Words{}
	for _, u := range r.options.Erased {
		if u >= r.options.Epoch.Mark {
			continue // came after the dump, and is nobody here
		}
		if erase[u.Chunk()] == nil {
			erase[u.Chunk()] = &block.Words{}
		}
		erase[u.Chunk()].Set(u.Low())
	}
	chunks := slices.AppendSeq(slices.Collect(maps.Keys(masks)), maps.Keys(erase))
	slices.Sort(chunks)
	for _, chunk := range slices.Compact(chunks) {
		b, err := masks.take(&r.builder, chunk)
		if err != nil {
			return err
		}
		fresh, err := r.store.Masks(chunk, b, erase[chunk])
		if err != nil {
			return err
		}
		r.restored.Erased += fresh
	}
	return nil
}

func (r *reader) readDay(day storage.Day, from io.Reader) error {
	chunks := byChunk{}
	err := readBitmaps(from, func(name string, containers []block.Container) error {
		label, ok := r.labels[name]
		if !ok {
			return fmt.Errorf("%w: label %s is not in %s", ErrDamaged, name, labelsFile)
		}
		for _, c := range containers {
			r.restored.Users += uint64(c.Card)
		}
		chunks.add(uint32(label), containers)
		return r.ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, chunk := range slices.Sorted(maps.Keys(chunks)) {
		b, err := chunks.take(&r.builder, chunk)
		if err != nil {
			return err
		}
		if err := r.store.Day(day, chunk, b); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) readIDs(name string, from io.Reader) error {
	space := slices.Index(r.manifest.Store.Spaces, name)
	if space < 0 {
		return fmt.Errorf("%w: id space %q is not in %s", ErrDamaged, name, manifestFile)
	}
	n := 0
	return eachLine(from, func(text []byte) error {
		if n++; n%4096 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		external, u, day, err := parseID(text)
		if err != nil {
			return err
		}
		return r.store.ID(storage.Space(space), external, u, day)
	})
}

func decodeLine(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("%w: line %.100q: %w", ErrDamaged, text, err)
	}
	return nil
}

// eachLine calls fn for every line, which is valid during the call.
func eachLine(from io.Reader, fn func(text []byte) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 2*storage.MaxDocument)
	for lines.Scan() {
		if err := fn(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
