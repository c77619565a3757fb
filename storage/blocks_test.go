package storage

import (
	"errors"
	"testing"

	"sosie/storage/block"
)

// denseBlock is larger than one transaction may be.
func denseBlock(t *testing.T, labels int) *block.Block {
	t.Helper()
	var keys []block.Key
	for l := range labels {
		for low := range 5000 {
			keys = append(keys, block.MakeKey(uint32(l), uint16(low*13)))
		}
	}
	var bl block.Builder
	b, _ := bl.Merge(nil, keys)
	if b.Size() < labels*8192 {
		t.Fatalf("a block of %d bytes is too small for the test", b.Size())
	}
	return b
}

func TestBlockIsReplacedWholeOrNotAtAll(t *testing.T) {
	s := openTest(t, Options{})
	const class, day, chunk = 395, 20_000, 3
	labels := func() int {
		t.Helper()
		b, err := s.readBlock(class, day, chunk)
		if err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	for i, n := range []int{1, 400, 2, 401, 3} { // small and large in turns, both copies
		if err := s.writeBlock(class, day, chunk, denseBlock(t, n)); err != nil {
			t.Fatal(err)
		}
		if got := labels(); got != n {
			t.Fatalf("write %d: read %d labels, want %d", i, got, n)
		}
		parts, err := s.copiesOf(class, day, chunk)
		if err != nil {
			t.Fatal(err)
		}
		if want := (n*8192 + maxValue) / maxValue; len(parts) > want+1 {
			t.Fatalf("write %d: %d parts are left, want about %d", i, len(parts), want)
		}
	}
	// A crash in the middle of the next write leaves half of the other copy.
	half := denseBlock(t, 400).AppendEncoded(nil)
	parts, err := s.copiesOf(class, day, chunk)
	if err != nil {
		t.Fatal(err)
	}
	other := parts[0]&otherCopy ^ otherCopy
	if err := s.set(partKey(class, day, chunk, other), half[:maxValue]); err != nil {
		t.Fatal(err)
	}
	if got := labels(); got != 3 {
		t.Errorf("after half a write %d labels, want the 3 from before", got)
	}
	if err := s.writeBlock(class, day, chunk, denseBlock(t, 5)); err != nil {
		t.Fatal(err)
	}
	if got := labels(); got != 5 {
		t.Errorf("after the write was done again %d labels, want 5", got)
	}
	// Now the whole copy is the second: half a write to the first must be written
	// over, not the whole one.
	if err := s.set(partKey(class, day, chunk, 0), half[:maxValue]); err != nil {
		t.Fatal(err)
	}
	if err := s.writeBlock(class, day, chunk, denseBlock(t, 6)); err != nil {
		t.Fatal(err)
	}
	if parts, err = s.copiesOf(class, day, chunk); err != nil || len(parts) != 1 || parts[0] != 0 {
		t.Errorf("parts %v, %v, want the first copy alone", parts, err)
	}
	if got := labels(); got != 6 {
		t.Errorf("after the second repair %d labels, want 6", got)
	}
	for _, part := range []int{0, otherCopy} {
		if err := s.set(partKey(class, day, chunk, part), []byte("torn")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.readBlock(class, day, chunk); !errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}
