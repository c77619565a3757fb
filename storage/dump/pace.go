package dump

import (
	"context"
	"time"
)

// pace leaves the machine to the hits: after each slice of work it rests for as
// long, so that a dump takes about half a core, and none of it in one piece.
type pace struct{ began time.Time }

const (
	workSlice = 2 * time.Millisecond
	// maxRest bounds a rest: what took longer waited, for the device or for a
	// core, and has left the machine to others already.
	maxRest = 2 * workSlice
)

func (p *pace) start() { p.began = time.Now() }

// breathe rests if it is due. The error is that of ctx.
func (p *pace) breathe(ctx context.Context) error {
	worked := time.Since(p.began)
	if worked < workSlice {
		return ctx.Err()
	}
	rest := time.NewTimer(min(worked, maxRest))
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-rest.C:
	}
	p.start()
	return nil
}
