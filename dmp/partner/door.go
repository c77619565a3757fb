package partner

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"sosie/dmp/access"
	"sosie/dmp/intake"
	"sosie/pixel/identity"
	"sosie/pixel/rules"
	"sosie/storage"
)

// Keyring says what tokens stand for; *access.Keyring is one.
type Keyring interface {
	// Grant returns what a token stands for.
	Grant(token string) (access.Grant, bool)
	// AdmitBytes is Grant for a request, which counts against the token's rate.
	AdmitBytes(token []byte, from netip.Addr) (access.Grant, error)
}

// Members knows who is in the published segments; *members.Members does.
type Members interface {
	// Of appends the segments published to a destination that hold a user. A stamp
	// whose At is zero means that no answer can be given.
	Of(dst []string, to string, u storage.Ordinal) ([]string, storage.Stamp)
	// Err is why no answer can be given.
	Err() error
}

// House is what the door needs of the rooms around it. All fields are required.
type House struct {
	Keyring  Keyring
	Store    *storage.Store
	Members  Members
	Arrivals *intake.Arrivals
	// Pseudonyms are the names by which a partner knows users.
	Pseudonyms func(partner string) (*identity.Pseudonyms, error)
	// Visitor returns the user of a cookie's value.
	Visitor func(cookie []byte) (storage.Ordinal, bool)
	// Writes reports whether a site may write a label, signed ones included.
	Writes func(site, label string) bool
	// Rules returns the labels that a site's rules give, for one goroutine, and
	// warnings for operators, who hear of them elsewhere.
	Rules func(site string) (labels func(*rules.Page) []string, warnings []string, err error)
	// Dir is the data directory, for receipts.
	Dir string
	// Clock tells the time.
	Clock func() time.Time
}

// Door answers requests. All methods may be called concurrently.
type Door struct {
	house    House
	limits   Limits
	receipts *receipts
	callers  sync.Map // by id of the grant, *caller
	counters counters
	lookups  sync.Pool
}

// New opens the door's receipts. The limits are DefaultLimits when zero.
func New(house House, limits Limits) (*Door, error) {
	if limits == (Limits{}) {
		limits = DefaultLimits()
	}
	d := &Door{house: house, limits: limits}
	d.lookups.New = func() any { return new(lookup) }
	var err error
	d.receipts, err = openReceipts(house.Dir, house.Clock)
	return d, err
}

// Close closes the receipts. The server must have ended.
func (d *Door) Close() error { return d.receipts.close() }

// The paths that are answered.
const (
	SegmentsPath = "/v1/segments"
	EventsPath   = "/v1/events"
)

var (
	headerNoSniff = []byte("X-Content-Type-Options")
	headerCache   = []byte(fasthttp.HeaderCacheControl)
	noSniff       = []byte("nosniff")
	noStore       = []byte("no-store")
)

// serve answers one request.
func (d *Door) serve(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetCanonical(headerNoSniff, noSniff)
	ctx.Response.Header.SetCanonical(headerCache, noStore)
	ctx.Response.Header.SetContentType("application/json")
	var failed *failure
	switch string(ctx.Path()) {
	case SegmentsPath:
		failed = d.admitted(ctx, fasthttp.MethodGet, access.ReadMembership, d.answerSegments)
	case EventsPath:
		failed = d.admitted(ctx, fasthttp.MethodPost, access.SendEvents, d.answerEvents)
	default:
		failed = fail(fasthttp.StatusNotFound, "there is nothing here", "This door has GET "+SegmentsPath+" and POST "+EventsPath+".")
	}
	if failed != nil {
		d.refuse(ctx, failed)
	}
}

// admitted answers a request whose token allows it.
func (d *Door) admitted(ctx *fasthttp.RequestCtx, method string, op access.Operation, answer func(*fasthttp.RequestCtx, *caller) *failure) *failure {
	grant, err := d.house.Keyring.AdmitBytes(bearer(&ctx.Request.Header), peer(ctx))
	switch {
	case access.Slow(err):
		return slow(err.Error(), access.RetryAfter)
	case err != nil:
		return unauthorized(err)
	case !grant.May(op):
		return fail(fasthttp.StatusForbidden, "a token of the role "+string(grant.Role)+" may not "+op.String(),
			"`sosie token create --role` makes one that may.")
	case string(ctx.Method()) != method:
		ctx.Response.Header.Set(fasthttp.HeaderAllow, method)
		return fail(fasthttp.StatusMethodNotAllowed, "this path takes "+method+" only", "")
	}
	c, err := d.caller(grant)
	if err != nil {
		return unavailable(err)
	}
	return answer(ctx, c)
}

// Counters say what the door did since it was opened.
type Counters struct {
	// Users were asked for in Lookups that were answered.
	Lookups uint64 `json:"lookups"`
	Users   uint64 `json:"users"`
	// Batches were answered, of which Replayed were known already; Accepted and
	// Refused are events.
	Batches  uint64 `json:"batches"`
	Replayed uint64 `json:"replayed"`
	Accepted uint64 `json:"accepted"`
	Refused  uint64 `json:"refused"`
	// What was answered with an error, by the class of the cause: no right token,
	// beyond its grant, too much, too often, not readable, and our own fault.
	Unauthorized uint64 `json:"unauthorized"`
	Forbidden    uint64 `json:"forbidden"`
	TooLarge     uint64 `json:"too_large"`
	TooOften     uint64 `json:"too_often"`
	Bad          uint64 `json:"bad"`
	Unavailable  uint64 `json:"unavailable"`
}

type counters struct {
	lookups, users, batches, replayed, accepted, refused                  atomic.Uint64
	unauthorized, forbidden, tooLarge, tooOften, badRequests, unavailable atomic.Uint64
}

// Counters returns the counts up to now.
func (d *Door) Counters() Counters {
	c := &d.counters
	return Counters{
		Lookups: c.lookups.Load(), Users: c.users.Load(),
		Batches: c.batches.Load(), Replayed: c.replayed.Load(), Accepted: c.accepted.Load(), Refused: c.refused.Load(),
		Unauthorized: c.unauthorized.Load(), Forbidden: c.forbidden.Load(), TooLarge: c.tooLarge.Load(),
		TooOften: c.tooOften.Load(), Bad: c.badRequests.Load(), Unavailable: c.unavailable.Load(),
	}
}
