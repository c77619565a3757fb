package members

import (
	"context"
	"fmt"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/audience/segments"
	"sosie/storage"
	"sosie/storage/block"
)

// Refresh evaluates the published segments on the newest view, unless that says
// what the last evaluation is true of. Where it fails, the last one stays.
func (m *Members) Refresh(ctx context.Context) error {
	m.evaluating.Lock()
	defer m.evaluating.Unlock()
	begun, durable := time.Now(), m.store.Durable()
	view := m.store.View()
	next, err := m.next(ctx, view, m.shown(view, durable, begun))
	if err != nil {
		err = fmt.Errorf("evaluate published segments: %w", err)
	} else {
		m.now.Store(next)
	}
	m.failure.Store(&err)
	return err
}

// shown returns now, or, where a view still lacks what was durable at an earlier
// call, when that was. The age of a view says nothing: where nothing comes in it may
// be old, and where nothing can be folded any more it is new and shows nothing new.
func (m *Members) shown(view *storage.View, durable uint64, now time.Time) time.Time {
	if view.Stamp().Seq >= m.owed.seq {
		m.owed = owed{durable, now}
	}
	return m.owed.at
}

// next returns the evaluation of a view, which is that of the one before where
// nothing has changed.
func (m *Members) next(ctx context.Context, view *storage.View, shown time.Time) (*evaluation, error) {
	begun := time.Now()
	if begun.Sub(shown) > MaxAge {
		return nil, ErrBehind
	}
	stamp := view.Stamp()
	if last := m.now.Load(); last != nil && stamp.Seq == last.stamp.Seq &&
		stamp.Day == last.stamp.Day && view.Labels() == last.labels {
		same := *last
		same.stamp, same.checked = stamp, shown
		return &same, nil
	}
	published, err := segments.Published(view)
	if err != nil {
		return nil, err
	}
	next := &evaluation{stamp: stamp, labels: view.Labels(), checked: shown, byTo: map[string][]int{}}
	sets := make([]audience.Set, 0, len(published))
	for number, segment := range published {
		e := &audience.Call{Function: audience.FuncSegment, Name: segment.Name}
		set, _, err := audience.Compile(view, e, segments.At(view))
		if err != nil {
			return nil, fmt.Errorf("segment %s: %w", segment.Name, err)
		}
		sets = append(sets, audience.Permitted(set, view, permit.Serve))
		next.names = append(next.names, segment.Name)
		for _, to := range segment.PublishedTo {
			next.byTo[to] = append(next.byTo[to], number)
		}
	}
	if err := m.fill(ctx, next, sets, view.Chunks()); err != nil {
		return nil, err
	}
	next.took = time.Since(begun)
	return next, nil
}

// fill evaluates chunk by chunk on one core, and leaves that to hits in between.
func (m *Members) fill(ctx context.Context, next *evaluation, sets []audience.Set, chunks int) error {
	if len(sets) == 0 {
		return nil
	}
	pace := m.store.Pace()
	next.chunks = make([]*block.Block, chunks)
	for chunk := range next.chunks {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := m.builder.Gather(len(sets), func(number uint32, users *block.Words) error {
			pace.Step()
			if err := sets[number].Chunk(users, chunk); err != nil {
				return fmt.Errorf("segment %s, chunk %d: %w", next.names[number], chunk, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		next.chunks[chunk] = b
		if next.bytes += int64(b.Size()); next.bytes > m.options.Memory {
			return fmt.Errorf("%w: more than %d MiB at chunk %d of %d: publish fewer segments",
				ErrMemory, m.options.Memory>>20, chunk, chunks)
		}
	}
	return nil
}
