package dump

import (
	"context"
	"time"
)

// pace leaves the machine to the hits: after each slice of work it rests for
// twice as long, so that a dump takes about a third of a core, and none of it in
// one piece. While no hit is about, nothing rests.
type pace struct {
	hits  func() bool
	began time.Time
}

const (
	workSlice = 500 * time.Microsecond
	// maxRest bounds a rest: what took longer waited, for the device or for a
	// core, and has left the machine to others already.
	maxRest = 8 * workSlice
)

func (p *pace) start() { p.began = time.Now() }

// breathe rests if it is due. The error is that of ctx.
func (p *pace) breathe(ctx context.Context) error {
	worked := time.Since(p.began)
	if worked < workSlice {
		return ctx.Err()
	}
	if p.hits() {
		rest := time.NewTimer(min(2*worked, maxRest))
		defer rest.Stop()
		select {
		case <-ctx.Done():
		case <-rest.C:
		}
	}
	p.start()
	return ctx.Err()
}
