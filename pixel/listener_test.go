package pixel

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
)

// pipeListener hands out connections that say they come from an address.
type pipeListener struct {
	net.Listener
	queue chan net.Conn
}

type pipeConn struct {
	net.Conn
	from string
}

func (c pipeConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.from))
}

func (l *pipeListener) Accept() (net.Conn, error) {
	c, ok := <-l.queue
	if !ok {
		return nil, os.ErrClosed
	}
	return c, nil
}

func TestConnectionsPerAddress(t *testing.T) {
	limits := DefaultLimits()
	limits.ConnectionsPerAddress = 2
	p := &Pixel{limits: limits, trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}
	queue := make(chan net.Conn, 1)
	l := p.Listen(&pipeListener{queue: queue}).(*listener)
	open := map[string]net.Conn{}
	accepted := make(chan net.Conn)
	ended := make(chan error)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	for i, c := range []struct {
		opens, closes string
		in            bool
		networks      int
	}{
		{"192.0.2.1:1", "", true, 1}, {"192.0.2.1:2", "", true, 1}, {"192.0.2.1:3", "", false, 1},
		{"192.0.2.2:1", "", true, 2},
		{"[::ffff:192.0.2.1]:4", "", false, 2},
		{"", "192.0.2.1:1", false, 2}, {"", "192.0.2.1:1", false, 2}, // closed twice, counted once
		{"192.0.2.1:5", "", true, 2}, {"192.0.2.1:6", "", false, 2},
		{"[2001:db8::1]:1", "", true, 3}, {"[2001:db8::2]:1", "", true, 3}, {"[2001:db8::3]:1", "", false, 3}, {"[2001:db8:0:1::1]:1", "", true, 4},
		{"10.0.0.1:1", "", true, 4}, {"10.0.0.1:2", "", true, 4}, {"10.0.0.1:3", "", true, 4},
		{"", "192.0.2.1:2", false, 4}, {"", "192.0.2.1:5", false, 3}, {"", "192.0.2.2:1", false, 2},
		{"", "[2001:db8::1]:1", false, 2}, {"", "[2001:db8::2]:1", false, 1}, {"", "[2001:db8:0:1::1]:1", false, 0},
		{"", "10.0.0.1:1", false, 0},
	} {
		if c.closes != "" {
			if err := open[c.closes].Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			ours, theirs := net.Pipe()
			queue <- pipeConn{ours, c.opens}
			gone := make(chan error, 1)
			go func() { _, err := theirs.Read(make([]byte, 1)); gone <- err }()
			select {
			case open[c.opens] = <-accepted:
				if !c.in {
					t.Errorf("step %d: %s is let in", i, c.opens)
				}
			case err := <-gone:
				if c.in || !errors.Is(err, io.EOF) {
					t.Errorf("step %d: %s is closed: %v", i, c.opens, err)
				}
			}
		}
		l.mu.Lock()
		if got := len(l.open); got != c.networks {
			t.Errorf("step %d: %d networks are remembered, want %d", i, got, c.networks)
		}
		l.mu.Unlock()
	}
	if got := p.Counters().ConnectionsRefused; got != 4 {
		t.Errorf("%d connections were refused, want 4", got)
	}
	close(queue)
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Accept of a closed listener = %v", err)
	}
}

// TestConnectionClosedFromManySides closes as fasthttp may: from the worker and
// from Shutdown at once.
func TestConnectionClosedFromManySides(t *testing.T) {
	p := &Pixel{limits: DefaultLimits()}
	queue := make(chan net.Conn, 1)
	l := p.Listen(&pipeListener{queue: queue}).(*listener)
	ours, _ := net.Pipe()
	queue <- pipeConn{ours, "192.0.2.1:1"}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _ = c.Close() })
	}
	wg.Wait()
	if len(l.open) != 0 {
		t.Errorf("after the last connection %v is remembered", l.open)
	}
}
