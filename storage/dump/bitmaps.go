package dump

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sosie/storage/block"
)

// suffix is that of a member of an archive of bitmaps.
const suffix = ".roaring"

// memberName is the name of a label's bitmap in an archive. Where the label as a
// path would lead elsewhere, or through a file, its slashes are escaped.
func memberName(label string) string {
	if path.Clean(label) != label || !filepath.IsLocal(label) || strings.Contains(label, suffix+"/") {
		label = strings.ReplaceAll(label, "/", "%2F")
	}
	return label + suffix
}

// labelOf is the label of a member's name.
func labelOf(member string) (string, error) {
	label, ok := strings.CutSuffix(member, suffix)
	if label = strings.ReplaceAll(label, "%2F", "/"); !ok || memberName(label) != member {
		return "", fmt.Errorf("%w: %q is no name of a bitmap", ErrDamaged, member)
	}
	return label, nil
}

// named is a label's bitmap in the making.
type named struct {
	name       string
	containers []block.Container
}

// gather turns blocks by chunk into bitmaps by label, in order of their names.
// Labels without a name are left out: they were deleted.
func gather(blocks []*block.Block, name func(label uint32) string) []named {
	byLabel := map[uint32]*named{}
	for chunk, b := range blocks {
		for i := range b.Len() {
			n := byLabel[b.Label(i)]
			if n == nil {
				n = &named{name: name(b.Label(i))}
				byLabel[b.Label(i)] = n
			}
			n.containers = append(n.containers, b.Container(i, uint16(chunk)))
		}
	}
	all := make([]named, 0, len(byLabel))
	for _, n := range byLabel {
		if n.name != "" {
			all = append(all, *n)
		}
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	return all
}

// bitmaps writes an archive of one bitmap per label. It is not compressed: zstd
// makes a day of ten million users smaller by a tenth and takes a third of the
// time.
func (w *writer) bitmaps(f File, blocks []*block.Block, name func(label uint32) string) error {
	return w.file(f, func(out *output) error {
		archive := tar.NewWriter(out)
		var raw []byte
		var err error
		for _, n := range gather(blocks, name) {
			raw = block.AppendPortable(raw[:0], n.containers)
			head := &tar.Header{Name: memberName(n.name), Mode: 0o600, Size: int64(len(raw)), ModTime: w.manifest.At.Truncate(time.Second)}
			if err = archive.WriteHeader(head); err == nil {
				_, err = archive.Write(raw)
			}
			if err == nil {
				err = w.pace.breathe(w.ctx)
			}
			if err != nil {
				break
			}
			out.file.Rows++
			for _, c := range n.containers {
				out.file.Users += int64(c.Card)
			}
		}
		w.users += uint64(out.file.Users)
		return errors.Join(err, archive.Close())
	})
}

// maxBitmap is the largest bitmap there can be: every user, in bitmaps.
const maxBitmap = 1<<29 + 1<<20

// readBitmaps calls each for every bitmap of an archive, with the label's name
// and its containers.
func readBitmaps(from io.Reader, each func(name string, containers []block.Container) error) error {
	archive := tar.NewReader(from)
	for {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		name, err := labelOf(head.Name)
		if err != nil {
			return err
		}
		if head.Size > maxBitmap {
			return fmt.Errorf("%w: the bitmap of %s has %d bytes", ErrDamaged, name, head.Size)
		}
		var raw bytes.Buffer
		raw.Grow(int(min(head.Size, 1<<20)) + bytes.MinRead) // a size is only a claim
		if _, err := raw.ReadFrom(archive); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
		}
		containers, err := block.ParsePortable(raw.Bytes())
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
		}
		if err := each(name, containers); err != nil {
			return err
		}
	}
}

// byChunk gathers what is read of an archive, chunk by chunk.
type byChunk map[int][]block.Labelled

func (b byChunk) add(label uint32, containers []block.Container) {
	for _, c := range containers {
		b[int(c.Chunk)] = append(b[int(c.Chunk)], block.Labelled{Label: label, Container: c})
	}
}

// take returns the block of a chunk; nil when there is nothing.
func (b byChunk) take(builder *block.Builder, chunk int) (*block.Block, error) {
	parts := b[chunk]
	slices.SortFunc(parts, func(x, y block.Labelled) int { return cmp.Compare(x.Label, y.Label) })
	for i := 1; i < len(parts); i++ {
		if parts[i].Label == parts[i-1].Label {
			return nil, fmt.Errorf("%w: a label has two bitmaps of chunk %d", ErrDamaged, chunk)
		}
	}
	return builder.Assemble(parts), nil
}
