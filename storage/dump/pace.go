package dump

import (
	"context"
	"time"
)

// pace leaves the machine to the hits: after each slice of work it rests for
// twice as long, and longer where it has written more than perSecond, so that a
// dump takes a part of a core and of the device, and none of it in one piece.
// While no hit is about, nothing rests.
type pace struct {
	hits  func() bool
	began time.Time
	owed  int // bytes written since it rested
}

const (
	workSlice = 500 * time.Microsecond
	// maxRest bounds a rest for work: what took longer waited, for the device or
	// for a core, and has left the machine to others already.
	maxRest = 8 * workSlice
	// perSecond is how many bytes are written a second while hits come in: 10
	// million users are about a gigabyte.
	perSecond = 32 << 20
)

func (p *pace) start() { p.began, p.owed = time.Now(), 0 }

// wrote notes that so many bytes are on their way to the device.
func (p *pace) wrote(n int) { p.owed += n }

// breathe rests if it is due. The error is that of ctx.
func (p *pace) breathe(ctx context.Context) error {
	worked := time.Since(p.began)
	written := time.Duration(p.owed) * time.Second / perSecond
	if worked < workSlice && written < workSlice {
		return ctx.Err()
	}
	if p.hits() {
		rest := time.NewTimer(max(min(2*worked, maxRest), written-worked))
		defer rest.Stop()
		select {
		case <-ctx.Done():
		case <-rest.C:
		}
	}
	p.start()
	return ctx.Err()
}
