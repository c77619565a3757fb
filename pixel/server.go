package pixel

import (
	"bytes"
	"errors"
	"net"
	"strconv"

	"github.com/valyala/fasthttp"
)

// exchange is the memory of one request, used again by others.
type exchange struct {
	hit     Hit
	reply   Reply
	cookies [][]byte
}

var (
	headerOrigin         = []byte(fasthttp.HeaderOrigin)
	headerEncodings      = []byte(fasthttp.HeaderAcceptEncoding)
	headerIfNoneMatch    = []byte(fasthttp.HeaderIfNoneMatch)
	headerAuthorization  = []byte(fasthttp.HeaderAuthorization)
	headerSecPurpose     = []byte("Sec-Purpose")
	headerPurpose        = []byte("Purpose")
	headerProto          = []byte("X-Forwarded-Proto")
	headerResourcePolicy = []byte("Cross-Origin-Resource-Policy")
	headerFetchSite      = []byte("Sec-Fetch-Site")
	headerCache          = []byte(fasthttp.HeaderCacheControl)
	noStore              = []byte("no-store")
	crossOrigin          = []byte("cross-origin")
	bearer               = []byte("Bearer ")
)

// Handler returns the pixel as a handler of fasthttp.
func (p *Pixel) Handler() fasthttp.RequestHandler { return p.serve }

func (p *Pixel) serve(ctx *fasthttp.RequestCtx) {
	if header := &ctx.Request.Header; !header.IsGet() && !header.IsPost() && !header.IsHead() {
		p.counters.add(requestBad, 1)
		ctx.Response.SetStatusCode(fasthttp.StatusMethodNotAllowed)
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD, POST")
		return
	}
	e := p.exchanges.Get().(*exchange)
	defer p.exchanges.Put(e)
	p.read(ctx, e)
	p.Answer(&e.hit, &e.reply)
	write(ctx, &e.reply)
	clear(e.cookies) // the server's memory, no longer ours
	e.hit = Hit{}
}

// read fills the hit from a request. The slices stay the server's.
func (p *Pixel) read(ctx *fasthttp.RequestCtx, e *exchange) {
	header, h := &ctx.Request.Header, &e.hit
	h.Path, h.Query = target(ctx)
	// The raw headers: asking the server for a cookie by name would make it
	// collect all of them.
	e.cookies = append(e.cookies[:0], header.PeekAll(fasthttp.HeaderCookie)...)
	h.Cookies = e.cookies
	h.Agent = header.UserAgent()
	h.Head = header.IsHead()
	h.Prefetch = isPrefetch(header.PeekCanonical(headerSecPurpose)) || isPrefetch(header.PeekCanonical(headerPurpose))
	h.GPC = false
	for _, gpc := range header.PeekAll("Sec-Gpc") {
		h.GPC = h.GPC || string(gpc) == "1"
	}
	n := header.ContentLength()
	if h.Post = header.IsPost(); h.Post {
		h.Posted = ctx.Request.Body()
	} else {
		h.Body = n > 0 || n == -1 // -1 is chunked; trailers come no other way
	}
	h.Origin = header.PeekCanonical(headerOrigin)
	h.Referer = header.Referer()
	h.Encodings = header.PeekCanonical(headerEncodings)
	h.IfNoneMatch = header.PeekCanonical(headerIfNoneMatch)
	h.SameOrigin = string(header.PeekCanonical(headerFetchSite)) == "same-origin"
	h.Token = nil
	if token, ok := bytes.CutPrefix(header.PeekCanonical(headerAuthorization), bearer); ok {
		h.Token = token
	}
	h.Secure = ctx.IsTLS()
	peer, ok := peerOf(ctx.RemoteAddr())
	h.Client = peer
	if ok && p.trusts(peer) {
		h.Client = p.client(peer, header.PeekAll(fasthttp.HeaderXForwardedFor))
		h.Secure = h.Secure || saysHTTPS(header.PeekCanonical(headerProto))
	}
}

// target splits the request's target into path and query. Browsers send it in
// origin form, which needs none of the server's parsing and normalizing.
func target(ctx *fasthttp.RequestCtx) (path, query []byte) {
	raw := ctx.Request.Header.RequestURI()
	if len(raw) == 0 || raw[0] != '/' || bytes.IndexByte(raw, '#') >= 0 {
		return ctx.URI().PathOriginal(), ctx.URI().QueryString()
	}
	path, query, _ = bytes.Cut(raw, questionMark)
	return path, query
}

var questionMark = []byte("?")

// isPrefetch reads Sec-Purpose and its forerunner Purpose: "prefetch", or
// "prefetch;prerender".
func isPrefetch(purpose []byte) bool {
	token, _, _ := bytes.Cut(purpose, semicolon)
	return bytes.EqualFold(bytes.TrimSpace(token), []byte("prefetch"))
}

// write renders the reply. Answers of the pixel are never kept by anyone on the
// way, but for the tag.
func write(ctx *fasthttp.RequestCtx, r *Reply) {
	ctx.Response.SetStatusCode(r.Status)
	header := &ctx.Response.Header
	if v := r.Script; v != nil {
		header.Set(fasthttp.HeaderCacheControl, keepScript)
		header.Set(fasthttp.HeaderETag, v.ETag)
		header.Set(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
		header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if v.Encoding != "" && r.Status == 200 {
			header.Set(fasthttp.HeaderContentEncoding, v.Encoding)
		}
	} else {
		header.SetCanonical(headerCache, noStore)
	}
	if r.Type != "" {
		header.SetContentType(r.Type)
		ctx.Response.SetBodyRaw(r.Body)
		if r.Type == gifType { // pages that isolate themselves embed nothing else
			header.SetCanonical(headerResourcePolicy, crossOrigin)
		}
	}
	if len(r.SetCookie) > 0 {
		header.SetBytesV(fasthttp.HeaderSetCookie, r.SetCookie)
	}
	if len(r.AllowOrigin) > 0 {
		header.SetBytesV(fasthttp.HeaderAccessControlAllowOrigin, r.AllowOrigin)
		header.Set(fasthttp.HeaderAccessControlAllowCredentials, "true")
	}
	if r.Guarded {
		header.Set(fasthttp.HeaderVary, "Origin, Sec-Fetch-Site, Cookie")
		header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	if r.Allow != "" {
		header.Set(fasthttp.HeaderAllow, r.Allow)
	}
	if r.RetryAfter > 0 {
		header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(r.RetryAfter))
	}
}

// Server returns a server of the pixel with all limits set. Serve it on what
// Listen returns. It logs nothing, since its messages hold addresses.
func (p *Pixel) Server() *fasthttp.Server {
	l := p.limits
	return &fasthttp.Server{
		Handler:         p.serve,
		ErrorHandler:    p.reject,
		ContinueHandler: func(*fasthttp.RequestHeader) bool { return false },
		Logger:          silent{},

		Concurrency:        l.Connections,
		ReadBufferSize:     l.ReadBuffer,
		WriteBufferSize:    l.WriteBuffer,
		ReadTimeout:        l.ReadTimeout,
		WriteTimeout:       l.WriteTimeout,
		IdleTimeout:        l.IdleTimeout,
		TCPKeepalive:       true,
		TCPKeepalivePeriod: l.KeepAlive,
		MaxRequestBodySize: l.Body,

		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
		LazyRequestTime:              true,
		CloseOnShutdown:              true,
	}
}

// reject answers a request that could not be read.
func (p *Pixel) reject(ctx *fasthttp.RequestCtx, err error) {
	p.counters.add(requestBad, 1)
	var tooLong *fasthttp.ErrSmallBuffer
	var network net.Error
	status := fasthttp.StatusBadRequest
	switch {
	case errors.As(err, &tooLong):
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status = fasthttp.StatusRequestEntityTooLarge
	case errors.As(err, &network) && network.Timeout():
		status = fasthttp.StatusRequestTimeout
	}
	ctx.Response.SetStatusCode(status)
}

// silent is a logger that forgets.
type silent struct{}

// Printf does nothing.
func (silent) Printf(string, ...any) {}
