package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// drain is how long answers are awaited after the last request.
const drain = 10 * time.Second

// maxAnswer is the longest answer that is read, header included.
const maxAnswer = 16 << 10

// conn is one keep-alive connection.
type conn struct {
	fd   int
	sent time.Time
	busy bool
	in   []byte // bytes of an answer that is not complete
	out  []byte // the last request
}

// loop is the one thread: it waits for answers with epoll and sends the next
// request where one has come.
type loop struct {
	Options
	traffic Traffic
	addr    unix.Sockaddr
	family  int
	epoll   int
	conns   []conn
	idle    []int // connections that wait for their turn
	busy    int

	start   time.Time
	sent    int64
	total   Result
	current Result
	mark    time.Time // start of the current sample
}

func run(ctx context.Context, o Options, t Traffic) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l := &loop{Options: o, traffic: t, total: newResult(), current: newResult(), epoll: -1}
	defer l.close()
	if err := l.open(); err != nil {
		return l.total, err
	}
	l.start = time.Now()
	l.mark = l.start
	if err := l.send(ctx); err != nil {
		return l.total, err
	}
	err := l.await(time.Now().Add(drain))
	l.cut(time.Now())
	return l.total, err
}

func (l *loop) open() error {
	tcp, err := net.ResolveTCPAddr("tcp", l.Addr)
	if err != nil {
		return err
	}
	l.family, l.addr = sockaddr(tcp)
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	l.conns = make([]conn, l.Connections)
	for i := range l.conns {
		l.conns[i].fd = -1
		if err := l.connect(i); err != nil {
			return err
		}
		l.idle = append(l.idle, i)
	}
	return nil
}

func sockaddr(tcp *net.TCPAddr) (int, unix.Sockaddr) {
	if v4 := tcp.IP.To4(); v4 != nil {
		return unix.AF_INET, &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(v4)}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: tcp.Port, Addr: [16]byte(tcp.IP.To16())}
}

func (l *loop) connect(i int) error {
	fd, err := unix.Socket(l.family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	l.conns[i] = conn{fd: fd, in: l.conns[i].in[:0], out: l.conns[i].out}
	if err := unix.Connect(fd, l.addr); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
		return fmt.Errorf("prepare socket: %w", err)
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
}

func (l *loop) close() {
	for i := range l.conns {
		if l.conns[i].fd >= 0 {
			_ = unix.Close(l.conns[i].fd)
		}
	}
	if l.epoll >= 0 {
		_ = unix.Close(l.epoll)
	}
}

// send keeps the connections busy until the time is over.
func (l *loop) send(ctx context.Context) error {
	end := l.start.Add(l.Duration)
	for {
		now := time.Now()
		if now.After(end) || ctx.Err() != nil {
			return nil
		}
		if l.Every > 0 && now.Sub(l.mark) >= l.Every {
			l.cut(now)
		}
		for n := l.due(now); n > 0 && len(l.idle) > 0; n-- {
			i := l.idle[len(l.idle)-1]
			l.idle = l.idle[:len(l.idle)-1]
			if err := l.write(i); err != nil {
				return err
			}
		}
		if err := l.poll(); err != nil {
			return err
		}
	}
}

// due is the number of requests that may be sent now.
func (l *loop) due(now time.Time) int64 {
	if l.Rate == 0 {
		return int64(len(l.idle))
	}
	return int64(now.Sub(l.start).Seconds()*float64(l.Rate)) - l.sent
}

// await waits for the answers under way.
func (l *loop) await(deadline time.Time) error {
	for l.busy > 0 && time.Now().Before(deadline) {
		if err := l.poll(); err != nil {
			return err
		}
	}
	l.current.Lost += int64(l.busy)
	return nil
}

// poll handles the answers that have come, and waits a millisecond for one.
func (l *loop) poll() error {
	var events [256]unix.EpollEvent
	n, err := unix.EpollWait(l.epoll, events[:], 1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll wait: %w", err)
	}
	for _, e := range events[:max(n, 0)] {
		if err := l.read(int(e.Fd)); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) write(i int) error {
	c := &l.conns[i]
	c.out = l.traffic.Request(i, c.out[:0])
	c.sent, c.busy = time.Now(), true
	l.busy++
	l.sent++
	if n, err := unix.Write(c.fd, c.out); err != nil || n < len(c.out) {
		return l.broken(i)
	}
	return nil
}

func (l *loop) read(i int) error {
	c := &l.conns[i]
	if len(c.in) == cap(c.in) {
		if cap(c.in) >= maxAnswer {
			return fmt.Errorf("%w: longer than %d bytes", ErrAnswer, maxAnswer)
		}
		c.in = append(make([]byte, 0, 2048+2*cap(c.in)), c.in...)
	}
	n, err := unix.Read(c.fd, c.in[len(c.in):cap(c.in)])
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil || n == 0 || !c.busy {
		return l.broken(i) // a server tells a connection that waited too long to go
	}
	c.in = c.in[:len(c.in)+n]
	a, complete, err := parse(c.in)
	if err != nil {
		return fmt.Errorf("%w: %q", err, c.in)
	}
	if complete {
		l.answered(i, a)
	}
	return nil
}

func (l *loop) answered(i int, a answer) {
	c := &l.conns[i]
	_ = l.current.Latency.RecordValue(time.Since(c.sent).Microseconds())
	if a.status == 200 {
		l.current.Answered++
	} else {
		l.current.Refused++
	}
	l.traffic.Answered(i, a.status, a.cookie)
	c.in = c.in[:copy(c.in, c.in[a.length:])]
	c.busy = false
	l.busy--
	l.idle = append(l.idle, i)
}

// broken opens a connection again whose server went away; what was under way on
// it is lost.
func (l *loop) broken(i int) error {
	c := &l.conns[i]
	if c.busy {
		l.current.Lost++
		l.busy--
		l.idle = append(l.idle, i)
	}
	_ = unix.Close(c.fd)
	c.fd = -1
	return l.connect(i)
}

// cut ends a sample.
func (l *loop) cut(now time.Time) {
	l.current.Elapsed = now.Sub(l.mark)
	l.total.add(l.current)
	if l.Sample != nil {
		l.Sample(l.current)
	}
	l.current = newResult()
	l.mark = now
}
