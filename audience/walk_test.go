package audience

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sosie/storage"
	"sosie/storage/block"
)

// numbered holds, in chunk i, the users 0 to i%7.
type numbered struct {
	chunks int
	before func(chunk int) error
}

func (n numbered) Chunks() int          { return n.chunks }
func (n numbered) Stamp() storage.Stamp { return storage.Stamp{} }
func (n numbered) Chunk(dst *block.Words, chunk int) error {
	if n.before != nil {
		if err := n.before(chunk); err != nil {
			return err
		}
	}
	dst.Clear()
	for low := range chunk%7 + 1 {
		dst.Set(uint16(low))
	}
	return nil
}

func TestCountAndEachOverSizes(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, chunks := range []int{0, 1, 2, 3, 4, 5, 8, 100} {
		want := 0
		for chunk := range chunks {
			want += chunk%7 + 1
		}
		// Late early chunks make the workers finish out of order.
		s := numbered{chunks, func(chunk int) error {
			if chunk%5 == 0 {
				time.Sleep(time.Millisecond)
			}
			return nil
		}}
		if n, err := Count(context.Background(), s); err != nil || n != uint64(want) {
			t.Errorf("%d chunks: count %d, %v, want %d", chunks, n, err, want)
		}
		next := 0
		err := Each(context.Background(), s, func(chunk int, w *block.Words) error {
			if chunk != next || w.Count() != chunk%7+1 {
				t.Errorf("%d chunks: chunk %d with %d users, want chunk %d with %d", chunks, chunk, w.Count(), next, next%7+1)
			}
			next++
			return nil
		})
		if err != nil || next != chunks {
			t.Errorf("%d chunks: each saw %d, %v", chunks, next, err)
		}
	}
}

func TestErrorNamesTheChunk(t *testing.T) {
	defer goleak.VerifyNone(t)
	broken := errors.New("flipped bit")
	s := numbered{50, func(chunk int) error {
		if chunk == 17 {
			return fmt.Errorf("read label a: %w", broken)
		}
		return nil
	}}
	if n, err := Count(context.Background(), s); n != 0 || !errors.Is(err, broken) || !strings.Contains(err.Error(), "chunk 17: read label a") {
		t.Errorf("count %d, error %v", n, err)
	}
	seen := 0
	err := Each(context.Background(), s, func(int, *block.Words) error { seen++; return nil })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "chunk 17: read label a") || seen != 17 {
		t.Errorf("each saw %d chunks, error %v", seen, err)
	}
}

func TestEachStopsAtItsFunctionsError(t *testing.T) {
	defer goleak.VerifyNone(t)
	full, seen := errors.New("no room"), 0
	err := Each(context.Background(), numbered{chunks: 50}, func(chunk int, _ *block.Words) error {
		if seen++; chunk == 3 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || seen != 4 {
		t.Errorf("saw %d chunks, error %v", seen, err)
	}
}

func TestCancel(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(context.Background())
	var evaluated atomic.Int64
	s := numbered{1 << 20, func(int) error {
		if evaluated.Add(1) == 10 {
			cancel()
		}
		return nil
	}}
	if _, err := Count(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("count: error %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	err := Each(ctx, s, func(chunk int, _ *block.Words) error {
		if chunk == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("each: error %v", err)
	}
	if n := evaluated.Load(); n > 1000 {
		t.Errorf("%d chunks were evaluated although both were cancelled at once", n)
	}
}

func TestEachLooksAheadWithinBounds(t *testing.T) {
	var done, furthest atomic.Int64
	s := numbered{400, func(chunk int) error {
		furthest.Store(max(furthest.Load(), int64(chunk)-done.Load()))
		return nil
	}}
	err := Each(context.Background(), s, func(chunk int, _ *block.Words) error {
		if chunk%50 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
		done.Store(int64(chunk) + 1)
		return nil
	})
	if limit := int64(2 * runtime.GOMAXPROCS(0)); err != nil || furthest.Load() > limit {
		t.Errorf("evaluated %d chunks ahead, %v, want at most %d", furthest.Load(), err, limit)
	}
}

// A block that cannot be read fails the answer, with the label's name.
func TestUnreadableBlockFailsTheAnswer(t *testing.T) {
	s := openStore(t)
	history(t, s, seeded(1))
	for _, source := range []string{"a/1", "not a/1", "a/1 or b/1 within 3d", "a/2 and b/1 within 3d", `not ("or" and a/2)`} {
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		f, _, err := compile(failing{viewReader{s.View()}}, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := Count(context.Background(), f); !errors.Is(err, storage.ErrCorrupt) || n != 0 {
			t.Errorf("%s: count %d, error %v", source, n, err)
		}
	}
}

// failing reads chunk 1 as corrupt.
type failing struct{ viewReader }

func (f failing) reader() chunkReader { return &failingChunk{chunkReader: f.viewReader.reader()} }

type failingChunk struct {
	chunkReader
	chunk int
}

func (f *failingChunk) Open(chunk int) {
	f.chunk = chunk
	f.chunkReader.Open(chunk)
}

func (f *failingChunk) Any(parts []block.Part, l storage.Label) ([]block.Part, error) {
	if f.chunk == 1 {
		return nil, storage.ErrCorrupt
	}
	return f.chunkReader.Any(parts, l)
}

func (f *failingChunk) Days(parts []block.Part, l storage.Label, from, to storage.Day) ([]block.Part, error) {
	if f.chunk == 1 {
		return nil, storage.ErrCorrupt
	}
	return f.chunkReader.Days(parts, l, from, to)
}
