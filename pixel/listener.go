package pixel

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Listen wraps a listener so that no address holds more connections than
// Limits.ConnectionsPerAddress; what is beyond is closed unanswered. Trusted
// proxies, which carry everybody, have no limit. For TLS wrap the result,
// tls.NewListener(p.Listen(tcp), config): a handshake then costs only those
// who are let in, and the server sees that the connection is secure.
func (p *Pixel) Listen(l net.Listener) net.Listener {
	return &listener{Listener: l, p: p, open: map[network]int{}}
}

// listener counts open connections per network. An entry goes with its last
// connection, so there are never more than connections.
type listener struct {
	net.Listener
	p *Pixel

	mu   sync.Mutex
	open map[network]int
}

// Accept returns the next connection that is within the limit.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			// A connection that died meanwhile shows it at the first read.
			_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true,
				Idle: l.p.limits.KeepAlive, Interval: l.p.limits.KeepAlive})
		}
		peer, ok := peerOf(c.RemoteAddr())
		if !ok || l.p.limits.ConnectionsPerAddress == 0 || l.p.trusts(peer) {
			return c, nil
		}
		from := networkOf(peer)
		if l.enter(from) {
			return &conn{Conn: c, listener: l, from: from}, nil
		}
		l.p.counters.add(connectionRefused, 1)
		_ = c.Close()
	}
}

func (l *listener) enter(n network) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[n] >= l.p.limits.ConnectionsPerAddress {
		return false
	}
	l.open[n]++
	return true
}

func (l *listener) leave(n network) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[n]--; l.open[n] == 0 {
		delete(l.open, n)
	}
}

// conn gives its place back when it is closed, once.
type conn struct {
	net.Conn
	listener *listener
	from     network
	closed   sync.Once
}

// Close closes the connection. Only the first call does something.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.closed.Do(func() {
		err = c.Conn.Close()
		c.listener.leave(c.from)
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// peerOf returns the address of a TCP peer.
func peerOf(a net.Addr) (netip.Addr, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	return tcp.AddrPort().Addr().Unmap().WithZone(""), true
}
