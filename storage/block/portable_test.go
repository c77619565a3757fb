package block

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// TestPortableBitmapIsRoaring writes the labels of several chunks as bitmaps: a
// roaring library reads the same users, and we read back the same blocks.
func TestPortableBitmapIsRoaring(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 4))
		chunks := []uint16{0, 7, 0xffff}[:1+r.IntN(3)]
		blocks := map[uint16]*Block{}
		labels := map[uint32]bool{}
		for _, chunk := range chunks {
			b := build(randomModel(r).keys())
			blocks[chunk] = b
			for i := range b.Len() {
				labels[b.Label(i)] = true
			}
		}
		back := map[uint16][]Labelled{}
		for _, label := range slices.Sorted(maps.Keys(labels)) {
			var containers []Container
			want := roaring.New()
			for _, chunk := range chunks {
				if i := blocks[chunk].Find(label); i >= 0 {
					containers = append(containers, blocks[chunk].Container(i, chunk))
					blocks[chunk].Each(i, func(low uint16) { want.Add(uint32(chunk)<<16 | uint32(low)) })
				}
			}
			raw := AppendPortable(nil, containers)
			if len(raw) != PortableSize(containers) {
				t.Fatalf("seed %d: %d bytes, PortableSize says %d", seed, len(raw), PortableSize(containers))
			}
			got := roaring.New()
			if err := got.UnmarshalBinary(raw); err != nil {
				t.Fatal(err)
			}
			if err := got.Validate(); err != nil || !got.Equals(want) {
				t.Fatalf("seed %d, label %d: roaring reads %d users, want %d; %v", seed, label, got.GetCardinality(), want.GetCardinality(), err)
			}
			if theirs, err := want.ToBytes(); err != nil || !bytes.Equal(theirs, raw) {
				t.Fatalf("seed %d, label %d: roaring writes other bytes; %v", seed, label, err)
			}
			read, err := ParsePortable(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range read {
				back[c.Chunk] = append(back[c.Chunk], Labelled{Label: label, Container: c})
			}
		}
		var bl Builder
		for _, chunk := range chunks {
			again := bl.Assemble(back[chunk])
			if again.Len() != blocks[chunk].Len() || again.Len() > 0 && !bytes.Equal(again.AppendEncoded(nil), blocks[chunk].AppendEncoded(nil)) {
				t.Fatalf("seed %d: chunk %d came back otherwise", seed, chunk)
			}
		}
	}
	if (&Builder{}).Assemble(nil) != nil {
		t.Error("a block of nothing")
	}
}

// FuzzPortable: what is accepted as a bitmap is one to roaring, too, with the
// same users, and is written as the same bytes.
func FuzzPortable(f *testing.F) {
	for _, users := range [][]uint32{nil, {1}, {1, 2, 65_535, 65_536, 1 << 31}} {
		raw, err := roaring.BitmapOf(users...).ToBytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	dense := roaring.New()
	for u := range uint32(5000) {
		dense.Add(3 * u)
	}
	raw, err := dense.ToBytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		containers, err := ParsePortable(raw)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(AppendPortable(nil, containers), raw) {
			t.Fatal("written otherwise than read")
		}
		bitmap := roaring.New()
		if err := bitmap.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		for _, c := range containers {
			c.Each(func(low uint16) {
				if n++; !bitmap.Contains(uint32(c.Chunk)<<16 | uint32(low)) {
					t.Fatalf("roaring lacks user %d of chunk %d", low, c.Chunk)
				}
			})
		}
		if n != bitmap.GetCardinality() {
			t.Fatalf("%d users, roaring has %d", n, bitmap.GetCardinality())
		}
	})
}
