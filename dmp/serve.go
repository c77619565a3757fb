package dmp

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// drainTimeout is how long Serve waits for what it accepted to be answered.
const drainTimeout = 8 * time.Second

// address is where the pixel answers, while it does.
type address struct{ atomic.Pointer[string] }

func (a *address) String() string {
	if s := a.Load(); s != nil {
		return *s
	}
	return ""
}

// Serve answers the pixel's hits and the control socket until ctx is done or
// one of them fails. It calls ready, unless nil, with the pixel's address once
// both answer. Then it takes no more connections, answers what it accepted, and
// returns nil. Call it once.
func (d *DMP) Serve(ctx context.Context, ready func(pixel net.Addr)) error {
	return d.ServeDoors(ctx, Doors{}, func(at Addresses) {
		if ready != nil {
			ready(at.Pixel)
		}
	})
}

// ServeDoors is Serve with the doors that packages above make from the open
// house.
func (d *DMP) ServeDoors(ctx context.Context, doors Doors, ready func(at Addresses)) error {
	open, at, err := d.openDoors(doors)
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // a server told to stop before it serves would serve for ever
		return closeDoors(open)
	}
	failed := make(chan error, len(open))
	for _, o := range open {
		go func() { failed <- serveError(o.name, o.server.Serve(o.listener)) }()
	}
	pixel := at.Pixel.String()
	d.serving.Store(&pixel)
	d.doors.Store(&at)
	daily, stopDaily := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { d.measureDaily(daily) })
	beside.Go(func() { d.watchStore(daily) })
	beside.Go(func() { d.ringAlerts(daily) })
	beside.Go(func() { d.watchCertificate(daily) })
	beside.Go(func() { d.members.Run(daily) })
	defer beside.Wait()
	defer stopDaily()
	d.log.Info("serving", "version", Version, "pixel", pixel, "data", d.config.Data, "sites", len(d.declared.Load().sites), "labels", d.store.Labels().Len())
	ready(at)

	running := len(open)
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	d.log.Info("stopping: what was accepted is answered")
	d.serving.Store(nil)
	d.doors.Store(nil)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	for _, o := range open {
		err = errors.Join(err, drained(o.name, o.server.ShutdownWithContext(drain)))
		o.listener.Close() // again, where the server had not yet begun to listen on it
	}
	for range running {
		err = errors.Join(err, <-failed)
	}
	if removed := os.Remove(filepath.Join(d.config.Data, socketName)); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	d.log.Info("stopped", "hits", d.pixel.Counters().Hits)
	return err
}
