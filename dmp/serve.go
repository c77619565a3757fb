package dmp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
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
	edge, err := d.listenEdge()
	if err != nil {
		return err
	}
	control, err := listenSocket(d.config.Data)
	if err != nil {
		return errors.Join(err, edge.Close())
	}
	if ctx.Err() != nil { // a server told to stop before it serves would serve for ever
		return errors.Join(edge.Close(), control.Close())
	}
	pixelServer, controlServer := d.pixel.Server(), d.controlServer()
	failed := make(chan error, 2)
	go func() { failed <- serveError("pixel", pixelServer.Serve(edge)) }()
	go func() { failed <- serveError("control socket", controlServer.Serve(control)) }()
	at := edge.Addr().String()
	d.serving.Store(&at)
	daily, stopDaily := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { d.measureDaily(daily) })
	beside.Go(func() { d.watchStore(daily) })
	beside.Go(func() { d.ringAlerts(daily) })
	defer beside.Wait()
	defer stopDaily()
	d.log.Info("serving", "version", Version, "pixel", at, "data", d.config.Data, "sites", len(d.config.Sites), "labels", d.store.Labels().Len())
	if ready != nil {
		ready(edge.Addr())
	}

	running := 2
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	d.log.Info("stopping: what was accepted is answered")
	d.serving.Store(nil)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	// The pixel first: while it drains, the command line may still ask.
	err = errors.Join(err, drained("pixel", pixelServer.ShutdownWithContext(drain)))
	edge.Close() // again, where the server had not yet begun to listen on it
	if stopped := controlServer.Shutdown(drain); stopped != nil {
		err = errors.Join(err, drained("control socket", stopped), controlServer.Close())
	}
	for range running {
		err = errors.Join(err, <-failed)
	}
	if removed := os.Remove(filepath.Join(d.config.Data, socketName)); removed != nil && !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	d.log.Info("stopped", "hits", d.pixel.Counters().Hits)
	return err
}

// listenEdge opens the pixel's listener: plain, or TLS with HTTP/1.1 only,
// which costs a third of HTTP/2.
func (d *DMP) listenEdge() (net.Listener, error) {
	certificate, err := d.config.TLS.certificate()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", d.config.Listen)
	if err != nil {
		return nil, &Error{Op: "listen", Object: d.config.Listen, Err: err, Hint: "Choose another address with --listen, or end the program that uses this one."}
	}
	l = d.pixel.Listen(l)
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{
			Certificates: []tls.Certificate{*certificate},
			MinVersion:   tls.VersionTLS12,
			NextProtos:   []string{"http/1.1"},
		})
	}
	return l, nil
}

func serveError(door string, err error) error {
	if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return &Error{Op: "serve", Object: door, Err: err}
}

func drained(door string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: "shut down", Object: door, Err: fmt.Errorf("answers were still under way: %w", err)}
}
