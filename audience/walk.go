package audience

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"sosie/storage/block"
)

// Count returns the exact number of users of s, using all cores. It returns the
// first error met, with the chunk it belongs to.
func Count(ctx context.Context, s Set) (uint64, error) {
	var total atomic.Uint64
	err := everyChunk(ctx, s.Chunks(), func(next func() (chunk int, ok bool)) error {
		w := words.Get().(*block.Words)
		defer words.Put(w)
		stored, _ := s.(carded)
		var own uint64
		for chunk, ok := next(); ok; chunk, ok = next() {
			n, known := 0, false
			var err error
			if stored != nil {
				n, known, err = stored.card(chunk)
			}
			if err == nil && !known {
				err = s.Chunk(w, chunk)
				n = w.Count()
			}
			if err != nil {
				return fmt.Errorf("count chunk %d: %w", chunk, err)
			}
			own += uint64(n)
		}
		total.Add(own)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return total.Load(), nil
}

// everyChunk runs work on all cores; each takes chunks with next until there
// are none. It returns the first error; the others then end early.
func everyChunk(ctx context.Context, chunks int, work func(next func() (chunk int, ok bool)) error) error {
	var taken atomic.Int64
	next := func() (int, bool) {
		chunk := int(taken.Add(1) - 1)
		return chunk, chunk < chunks && ctx.Err() == nil
	}
	workers := min(chunks, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		if err := work(next); err != nil {
			return err
		}
		return ctx.Err()
	}
	var group errgroup.Group
	for range workers {
		group.Go(func() error {
			err := work(next)
			if err != nil {
				taken.Store(int64(chunks))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

var words = sync.Pool{New: func() any { return new(block.Words) }}

// Each calls fn with the users of every chunk, empty ones too, in order of the
// chunks. All cores evaluate ahead of fn, by a bounded number of chunks. The
// words are fn's only during the call. It stops at the first error of a chunk,
// which it names, or of fn; after its return nothing reads s any more.
func Each(ctx context.Context, s Set, fn func(chunk int, w *block.Words) error) error {
	chunks := s.Chunks()
	workers := min(chunks, runtime.GOMAXPROCS(0))
	ahead := 2 * workers
	if ahead == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	// A worker first takes words, then the next chunk. So the chunks under way
	// are never more than the words, and each has a slot of its own.
	type answer struct {
		words *block.Words
		err   error
	}
	slots := make([]chan answer, ahead)
	free := make(chan *block.Words, ahead)
	for i := range slots {
		slots[i] = make(chan answer, 1)
		free <- new(block.Words)
	}
	var next atomic.Int64
	for range workers {
		running.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case w := <-free:
					chunk := int(next.Add(1) - 1)
					if chunk >= chunks {
						return
					}
					slots[chunk%ahead] <- answer{w, s.Chunk(w, chunk)}
				}
			}
		})
	}
	for chunk := range chunks {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("walk chunk %d: %w", chunk, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("walk chunk %d: %w", chunk, ctx.Err())
		case a := <-slots[chunk%ahead]:
			if a.err != nil {
				return fmt.Errorf("walk chunk %d: %w", chunk, a.err)
			}
			if err := fn(chunk, a.words); err != nil {
				return err
			}
			free <- a.words
		}
	}
	return nil
}
