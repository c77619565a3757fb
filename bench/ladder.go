package bench

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/storage"
)

// The rungs of the ladder, each doing what the one before does and more.
const (
	stepBare    = "bare"    // fasthttp answers a GIF
	stepParse   = "parse"   // and reads the query and looks up site and labels
	stepSealed  = "sealed"  // and opens the cookie, or seals one
	stepBatched = "batched" // the whole pixel over a recorder that only batches
	stepDurable = "durable" // the whole pixel over the store
)

var ladderSteps = []string{stepBare, stepParse, stepSealed, stepBatched, stepDurable}

var ladderGIF = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")

// recorder is what the pixel of a rung records to.
func (s *server) recorder(step string) pixel.Recorder {
	if step == stepBatched {
		return &batching{Store: s.store}
	}
	return s.store
}

// handler is what a rung answers with.
func (s *server) handler(step string) (fasthttp.RequestHandler, error) {
	switch step {
	case stepBare:
		return answerGIF, nil
	case stepParse:
		return func(ctx *fasthttp.RequestCtx) {
			s.parse(ctx)
			answerGIF(ctx)
		}, nil
	case stepSealed:
		return func(ctx *fasthttp.RequestCtx) {
			site, labels, n := s.parse(ctx)
			s.cookie(ctx, site, labels, n)
			answerGIF(ctx)
		}, nil
	case stepBatched, stepDurable:
		return s.pixel.Handler(), nil
	}
	return nil, fmt.Errorf("%w: there is no step %q", ErrOptions, step)
}

// answerGIF sends the same bytes as the pixel.
func answerGIF(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetCanonical([]byte(fasthttp.HeaderCacheControl), []byte("no-store"))
	ctx.Response.Header.SetContentType("image/gif")
	ctx.Response.SetBodyRaw(ladderGIF)
}

// parse reads the query as the pixel must: the site, and the labels by number.
func (s *server) parse(ctx *fasthttp.RequestCtx) (site storage.Label, labels [identity.MaxPendingLabels]storage.Label, n int) {
	dictionary := s.store.Labels()
	for rest := ctx.URI().QueryString(); len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{'&'})
		name, value, _ := bytes.Cut(pair, []byte{'='})
		switch string(name) {
		case "s":
			site, _ = dictionary.Site(string(value))
		case "l":
			for len(value) > 0 && n < len(labels) {
				var one []byte
				one, value, _ = bytes.Cut(value, []byte{','})
				if l, ok := dictionary.LookupBytes(one); ok {
					labels[n] = l
					n++
				}
			}
		}
	}
	return site, labels, n
}

// cookie opens the hit's cookie; a pending one becomes a user's, and a hit
// without one gets a pending one.
func (s *server) cookie(ctx *fasthttp.RequestCtx, site storage.Label, labels [identity.MaxPendingLabels]storage.Label, n int) {
	value := ctx.Request.Header.Cookie(pixel.CookieName)
	var set string
	var pending identity.PendingCookie
	switch {
	case len(value) == 0:
		set = s.keys.SealPending(&identity.PendingCookie{
			Nonce: identity.NewNonce(), Site: site, At: time.Now(), Epoch: s.store.Epoch(), Decision: identity.Collect, Labels: labels, Count: n,
		})
	default:
		if _, _, err := s.keys.OpenUser(value); err == nil {
			return
		}
		if s.keys.OpenPending(value, &pending) != nil {
			return
		}
		set = s.keys.SealUser(identity.UserCookie{Epoch: s.store.Epoch(), Born: storage.DayOf(time.Now())})
	}
	ctx.Response.Header.Set("Set-Cookie", pixel.CookieName+"="+set+"; Path=/; Max-Age=34214400; HttpOnly; SameSite=Lax")
}

// batching is a recorder that gathers hits in a batch and throws full ones away,
// without anybody waiting: the cost of everything but durability.
type batching struct {
	*storage.Store
	mu    sync.Mutex
	batch []byte
}

// Append gathers as many bytes as the records have.
func (b *batching) Append(r *storage.Records) (uint64, error) {
	var record [64]byte
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := r.Len(); n > 0; n -= len(record) {
		b.batch = append(b.batch, record[:min(n, len(record))]...)
	}
	if len(b.batch) > 64<<10 {
		b.batch = b.batch[:0]
	}
	return 0, nil
}
