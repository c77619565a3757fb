package partner

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"
)

// Limits bound what a caller may cost. The zero value stands for DefaultLimits;
// otherwise every field must be set.
type Limits struct {
	// Header is the most bytes of a request's line and headers, and so of the users
	// asked for; a longer one gets 431.
	Header int `yaml:"header"`
	// Body is the most bytes of a batch; a longer one gets 413. Without a right
	// token no body is read.
	Body int `yaml:"body"`
	// Events is the most events of a batch.
	Events int `yaml:"events"`
	// Users is the most users of a look-up.
	Users int `yaml:"users"`
	// UsersPerSecond is how many users a token may ask for, and EventsPerSecond how
	// many events it may send, each with ten seconds' worth at once.
	UsersPerSecond  int `yaml:"users_per_second"`
	EventsPerSecond int `yaml:"events_per_second"`
	// Connections is the most open at once; more are answered 503 and closed.
	Connections int `yaml:"connections"`
	// Timeout is how long a request may take to arrive and an answer to leave, each.
	Timeout time.Duration `yaml:"timeout"`
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
}

// DefaultLimits returns the limits that hold where nothing else is said.
func DefaultLimits() Limits {
	return Limits{
		Header: 32 << 10, Body: 1 << 20, Events: 1000, Users: 100,
		UsersPerSecond: 50_000, EventsPerSecond: 5_000,
		Connections: 1024, Timeout: 10 * time.Second, IdleTimeout: 60 * time.Second,
	}
}

// Server returns a server of the door with all limits set. It logs nothing, since
// its messages hold addresses.
func (d *Door) Server() *fasthttp.Server {
	l := d.limits
	return &fasthttp.Server{
		Handler:         d.serve,
		ErrorHandler:    d.reject,
		HeaderReceived:  d.headerReceived,
		ContinueHandler: d.known,
		Logger:          silent{},

		Concurrency:        l.Connections,
		ReadBufferSize:     l.Header,
		ReadTimeout:        l.Timeout,
		WriteTimeout:       l.Timeout,
		IdleTimeout:        l.IdleTimeout,
		TCPKeepalive:       true,
		MaxRequestBodySize: l.Body,

		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
		LazyRequestTime:              true,
		CloseOnShutdown:              true,
	}
}

// headerReceived lets only those send a body who have a token, so that a stranger
// cannot make us hold a thousand of them.
func (d *Door) headerReceived(header *fasthttp.RequestHeader) (config fasthttp.RequestConfig) {
	if header.ContentLength() != 0 && !d.known(header) {
		config.MaxRequestBodySize = 1
	}
	return config
}

// known reports whether a request carries a right token.
func (d *Door) known(header *fasthttp.RequestHeader) bool {
	_, ok := d.house.Keyring.Grant(string(bearer(header)))
	return ok
}

// reject answers a request that could not be read.
func (d *Door) reject(ctx *fasthttp.RequestCtx, err error) {
	var header *fasthttp.ErrSmallBuffer
	var network net.Error
	f := fail(fasthttp.StatusBadRequest, "the request could not be read", "")
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge) && !d.known(&ctx.Request.Header):
		f = fail(fasthttp.StatusUnauthorized, "the token is missing or not known", "Send Authorization: Bearer TOKEN with a token that `sosie token create` printed.")
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		f = fail(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("the batch has more than %d bytes", d.limits.Body), "Send it in parts, each with a key of its own.")
	case errors.As(err, &header):
		f = fail(fasthttp.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("line and headers have more than %d bytes", d.limits.Header), "Ask for fewer users at once.")
	case errors.As(err, &network) && network.Timeout():
		f = fail(fasthttp.StatusRequestTimeout, "the request took too long to arrive", "")
	}
	d.refuse(ctx, f)
}

var schemeBearer = []byte("Bearer ")

// bearer returns the token of a request, or nothing. The bytes are the server's.
func bearer(header *fasthttp.RequestHeader) []byte {
	value := header.Peek(fasthttp.HeaderAuthorization)
	if len(value) < len(schemeBearer) || !bytes.EqualFold(value[:len(schemeBearer)], schemeBearer) {
		return nil
	}
	return value[len(schemeBearer):]
}

// peer is the address of the connection, or none.
func peer(ctx *fasthttp.RequestCtx) netip.Addr {
	if tcp, ok := ctx.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// silent is a logger that forgets.
type silent struct{}

// Printf does nothing.
func (silent) Printf(string, ...any) {}
