package dump

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"sosie/storage"
	"sosie/storage/block"
)

// Options say how to write a dump.
type Options struct {
	// Product is the program and its version, for the manifest.
	Product string
	// Keys writes the keys, encrypted, into the file KeysFile; nil leaves them out.
	Keys func(io.Writer) error
	// Progress may be nil.
	Progress Progress
}

// KeysFile is the file of the keys.
const KeysFile = "keys.tar.age"

// Write dumps a store into a directory that does not exist or is empty. After an
// error, or when ctx ends, there is no dump and nothing that looks like one.
func Write(ctx context.Context, s *storage.Store, dir string, o Options) (*Manifest, error) {
	dir = filepath.Clean(dir)
	m, err := write(ctx, s, dir, o)
	if err != nil {
		return nil, fmt.Errorf("write dump %s: %w", dir, err)
	}
	return m, nil
}

func write(ctx context.Context, s *storage.Store, dir string, o Options) (m *Manifest, err error) {
	aside, err := Aside(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(aside))
		}
	}()
	snap, err := s.Snapshot()
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	w := &writer{
		ctx: ctx, dir: aside, snap: snap, options: o, pace: pace{hits: s.Hits},
		manifest: Manifest{Format: format, Product: o.Product, At: snap.View().Stamp().At.UTC(), Store: snap.About()},
	}
	if err := w.all(); err != nil {
		return nil, err
	}
	if err := Settle(aside, dir); err != nil {
		return nil, err
	}
	return &w.manifest, nil
}

// Aside makes DIR.partial, in which what shall be a directory is made, and
// refuses with ErrExists where either is in the way.
func Aside(dir string) (aside string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%w: %s", ErrExists, dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", err
	}
	aside = dir + partial
	if err := os.Mkdir(aside, 0o700); errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("%w: %s, which another command is writing or a crash has left", ErrExists, aside)
	} else if err != nil {
		return "", err
	}
	return aside, nil
}

// Settle gives what was made aside its name, durably. Its files are on the
// device already.
func Settle(aside, dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // an empty one; others stay
		return err
	}
	if err := os.Rename(aside, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writer writes one dump.
type writer struct {
	ctx      context.Context
	dir      string
	snap     *storage.Snapshot
	options  Options
	manifest Manifest
	builder  block.Builder
	pace     pace
	users    uint64
}

func (w *writer) all() error {
	for _, sub := range []string{"bitmaps", "ids"} {
		if err := os.Mkdir(filepath.Join(w.dir, sub), 0o700); err != nil {
			return err
		}
	}
	days, spaces := w.snap.Days(), w.manifest.Store.Spaces
	steps := []func() error{w.labels, w.documents, w.masks}
	for _, day := range days {
		steps = append(steps, func() error { return w.day(day) })
	}
	for space := range spaces {
		steps = append(steps, func() error { return w.ids(storage.Space(space)) })
	}
	if w.options.Keys != nil {
		steps = append(steps, w.keys)
	}
	w.pace.start()
	for i, step := range steps {
		if w.options.Progress != nil {
			w.options.Progress(i, len(steps), w.users)
		}
		if err := step(); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *writer) labels() error {
	return w.file(File{Name: labelsFile, Holds: HoldsLabels}, func(out *output) error {
		labels := w.snap.View().Labels()
		for l := range storage.Label(labels.Len()) {
			out.file.Rows++
			if err := out.line(labelLine{Number: l, LabelState: labels.State(l)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *writer) documents() error {
	return w.file(File{Name: docsFile, Holds: HoldsDocuments}, func(out *output) error {
		view := w.snap.View()
		for _, kind := range view.DocumentKinds() {
			for name, value := range view.Documents(kind) {
				line, err := documentOf(kind, name, value)
				if err != nil {
					return err
				}
				if err := out.line(line); err != nil {
					return err
				}
				out.file.Rows++
			}
		}
		return nil
	})
}

func (w *writer) masks() error {
	var all []*block.Block
	for chunk := range w.snap.View().Chunks() {
		all = append(all, w.snap.Masks(&w.builder, chunk))
	}
	return w.bitmaps(File{Name: masksFile, Holds: HoldsMasks}, all, func(label uint32) string { return storage.Mask(label).String() })
}

func (w *writer) day(day storage.Day) error {
	all := make([]*block.Block, w.snap.View().Chunks())
	for chunk := range all {
		var err error
		if all[chunk], err = w.snap.Day(&w.builder, chunk, day); err != nil {
			return fmt.Errorf("day %s: %w", day, err)
		}
		if err := w.pace.breathe(w.ctx); err != nil {
			return err
		}
	}
	labels := w.snap.View().Labels()
	return w.bitmaps(File{Name: "bitmaps/" + day.String() + ".tar", Holds: HoldsBitmaps, Day: day}, all,
		func(label uint32) string {
			if state := labels.State(storage.Label(label)); !state.Deleted {
				return state.Name
			}
			return ""
		})
}

func (w *writer) ids(space storage.Space) error {
	name := w.manifest.Store.Spaces[space]
	file := fmt.Sprintf("ids/%03d-%s.ndjson.zst", space, strings.ReplaceAll(name, "/", "_"))
	return w.file(File{Name: file, Holds: HoldsIDs, Space: name}, func(out *output) error {
		compressed, err := compress(out)
		if err != nil {
			return err
		}
		lines := bufio.NewWriterSize(compressed, 64<<10)
		var line []byte
		err = w.snap.EachID(space, func(external []byte, u storage.Ordinal, day storage.Day) error {
			line = appendID(line[:0], external, u, day)
			if out.file.Rows++; out.file.Rows%256 == 0 {
				if err := w.pace.breathe(w.ctx); err != nil {
					return err
				}
			}
			_, err := lines.Write(line)
			return err
		})
		if err == nil {
			err = lines.Flush()
		}
		return errors.Join(err, compressed.Close())
	})
}

func (w *writer) keys() error {
	return w.file(File{Name: KeysFile, Holds: HoldsKeys}, func(out *output) error { return w.options.Keys(out) })
}

// file writes one file and notes it in the manifest.
func (w *writer) file(f File, fill func(*output) error) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	out, err := create(w.dir, f, &w.pace)
	if err != nil {
		return err
	}
	if err := fill(out); err != nil {
		return fmt.Errorf("%s: %w", f.Name, errors.Join(err, out.abort()))
	}
	done, err := out.finish()
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	w.manifest.Files = append(w.manifest.Files, done)
	return nil
}

// end writes the manifest and the sums, and makes all names durable.
func (w *writer) end() error {
	text, err := json.MarshalIndent(&w.manifest, "", "  ")
	if err != nil {
		return err
	}
	sum, err := w.small(manifestFile, append(text, '\n'))
	if err != nil {
		return err
	}
	if _, err := w.small(sumsFile, w.manifest.sums(sum)); err != nil {
		return err
	}
	for _, sub := range []string{"bitmaps", "ids", "."} {
		if err := syncDir(filepath.Join(w.dir, sub)); err != nil {
			return err
		}
	}
	return nil
}

// small writes a file that the manifest does not name, and returns its sum.
func (w *writer) small(name string, text []byte) (sum string, err error) {
	out, err := create(w.dir, File{Name: name}, &w.pace)
	if err != nil {
		return "", err
	}
	if _, err := out.Write(text); err != nil {
		return "", errors.Join(err, out.abort())
	}
	f, err := out.finish()
	return f.SHA256, err
}

// labelLine is a line of labels.ndjson.
type labelLine struct {
	Number storage.Label `json:"number"`
	storage.LabelState
}

// documentLine is a line of documents.ndjson.
type documentLine struct {
	Kind  string          `json:"kind"`
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value,omitempty"`
	Bytes []byte          `json:"value_base64,omitempty"`
}

// documentOf writes a value as JSON where it comes back byte for byte.
func documentOf(kind, name string, value []byte) (documentLine, error) {
	if !utf8.ValidString(kind) || !utf8.ValidString(name) {
		return documentLine{}, fmt.Errorf("the document %q %q has no name that JSON can carry", kind, name)
	}
	line := documentLine{Kind: kind, Name: name, Value: value}
	if text, err := encodeLine(line); err == nil {
		var back documentLine
		if json.Unmarshal(text, &back) == nil && bytes.Equal(back.Value, value) {
			return line, nil
		}
	}
	return documentLine{Kind: kind, Name: name, Bytes: value}, nil
}
