package partner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"sosie/audience/segments"
	"sosie/dmp/intake"
	"sosie/pixel/rules"
	"sosie/storage"
)

// Receipt says what became of a batch.
type Receipt struct {
	// Accepted events are durable.
	Accepted int `json:"accepted"`
	// Refused events were left out, each for the first cause found.
	Refused int `json:"refused"`
	// Causes say which.
	Causes []Cause `json:"causes"`
	// Received is when the batch was answered first.
	Received time.Time `json:"received"`
}

// Cause is why events were refused.
type Cause struct {
	// Cause is one word, such as label_forbidden.
	Cause string `json:"cause"`
	// Lines are where they stand: the line of NDJSON, or the place in the list, both
	// from 1.
	Lines []int `json:"lines"`
}

// The two forms of a batch.
const (
	typeJSON   = "application/json"
	typeNDJSON = "application/x-ndjson"
)

// batch is a request for POST /v1/events, read as far as it can be without its
// events.
type batch struct {
	site   string // key
	none   bool
	ndjson bool
	id     batchID
	body   []byte
	rules  func(*rules.Page) []string
}

// answerEvents makes a batch durable and answers with its receipt, or with the one
// that it had before.
func (d *Door) answerEvents(ctx *fasthttp.RequestCtx, c *caller) *failure {
	b, failed := readBatch(ctx, c)
	if failed != nil {
		return failed
	}
	known, err := d.receipts.begin(b.id)
	switch {
	case errors.Is(err, errOtherBody):
		return fail(fasthttp.StatusUnprocessableEntity, err.Error(), "Give every batch a key of its own.")
	case errors.Is(err, errUnderWay):
		return fail(fasthttp.StatusConflict, err.Error(), "Wait for its answer, or send it again a second later.")
	case errors.Is(err, errReceiptsFull):
		return slow(err.Error(), time.Hour)
	case known != nil:
		ctx.Response.Header.Set("Idempotency-Replayed", "true")
		ctx.Response.SetBody(known)
		d.counters.batches.Add(1)
		d.counters.replayed.Add(1)
		return nil
	}
	kept := false
	defer func() {
		if !kept {
			d.receipts.cancel(b.id)
		}
	}()
	lines, failed := d.split(b)
	if failed != nil {
		return failed
	}
	if !c.events.AllowN(time.Now(), max(1, len(lines))) { // an empty batch has a receipt, too
		return slow("too many events come with this token", time.Second)
	}
	receipt, err := d.deliver(c, b, lines)
	switch {
	case errors.Is(err, intake.ErrRequest):
		return fail(fasthttp.StatusForbidden, "the site is not configured any more", "")
	case err != nil:
		return unavailable(err)
	}
	text, _ := json.Marshal(receipt) // numbers, words and a time always marshal
	if err := d.receipts.keep(b.id, receipt.Received, text); err != nil {
		return unavailable(err)
	}
	kept = true
	ctx.Response.SetBody(text)
	d.counters.batches.Add(1)
	d.counters.accepted.Add(uint64(receipt.Accepted))
	d.counters.refused.Add(uint64(receipt.Refused))
	return nil
}

// readBatch reads what a batch says of itself.
func readBatch(ctx *fasthttp.RequestCtx, c *caller) (b batch, failed *failure) {
	bad := func(format string, args ...any) *failure {
		return fail(fasthttp.StatusBadRequest, fmt.Sprintf(format, args...), "See POST "+EventsPath+" in the manual.")
	}
	kind, _, _ := bytes.Cut(ctx.Request.Header.ContentType(), []byte(";"))
	switch string(bytes.ToLower(bytes.TrimSpace(kind))) {
	case typeJSON:
	case typeNDJSON:
		b.ndjson = true
	default:
		return b, fail(fasthttp.StatusUnsupportedMediaType, "the content type is neither "+typeJSON+" nor "+typeNDJSON, "Send Content-Type: "+typeJSON+".")
	}
	if len(ctx.Request.Header.ContentEncoding()) > 0 {
		return b, fail(fasthttp.StatusUnsupportedMediaType, "the body is encoded", "Send it without Content-Encoding.")
	}
	query := ctx.QueryArgs()
	b.site = string(query.Peek("site"))
	switch {
	case b.site == "" && len(c.grant.Sites) == 1:
		b.site = c.grant.Sites[0]
	case b.site == "":
		return b, bad("the token is of several sites, and the batch says of none: ?site=KEY")
	case !slices.Contains(c.grant.Sites, b.site):
		return b, fail(fasthttp.StatusForbidden, "the token is not of this site", "It is of: "+strings.Join(c.grant.Sites, ", ")+".")
	}
	switch consent := string(query.Peek("consent")); consent {
	case "", intake.Permitted:
	case intake.None:
		b.none = true
	default:
		return b, bad("consent %q: want %s or %s", consent, intake.Permitted, intake.None)
	}
	key := ctx.Request.Header.Peek("Idempotency-Key")
	if len(key) == 0 || len(key) > 128 || slices.ContainsFunc(key, func(c byte) bool { return c < '!' || c > '~' }) {
		return b, bad("Idempotency-Key must be 1 to 128 characters without spaces, another for each batch")
	}
	b.body = ctx.PostBody()
	b.id = identify(c.grant.ID, key, b.site, b.none, b.ndjson, b.body)
	return b, nil
}

// split takes a batch apart.
func (d *Door) split(b batch) (lines []line, failed *failure) {
	var err error
	if b.ndjson {
		lines, err = readLines(b.body, d.limits.Events)
	} else {
		lines, err = readArray(b.body, d.limits.Events)
	}
	switch {
	case errors.Is(err, errEvents):
		return nil, fail(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("the batch has more than %d events", d.limits.Events), "Send it in parts, each with a key of its own.")
	case err != nil:
		return nil, fail(fasthttp.StatusBadRequest, err.Error(), "")
	}
	return lines, nil
}

// deliver makes the good events of a batch durable.
func (d *Door) deliver(c *caller, b batch, lines []line) (Receipt, error) {
	now := d.house.Clock()
	var err error
	if b.rules, _, err = d.house.Rules(b.site); err != nil {
		return Receipt{}, err
	}
	site, err := d.house.Store.DeclareSite(b.site)
	if err != nil {
		return Receipt{}, err
	}
	refused := map[string][]int{}
	events := make([]intake.Sent, 0, len(lines))
	numbers := make([]int, 0, len(lines))
	for _, l := range lines {
		sent, cause, err := d.read(c, b, l.text, now)
		if err != nil {
			return Receipt{}, err
		}
		if cause != "" {
			refused[cause] = append(refused[cause], l.number)
			continue
		}
		events, numbers = append(events, sent), append(numbers, l.number)
	}
	optedOut, _, err := d.house.Arrivals.Deliver(intake.Batch{Site: site, None: b.none, Events: events})
	if err != nil {
		return Receipt{}, err
	}
	for _, i := range optedOut {
		refused[causeOptedOut] = append(refused[causeOptedOut], numbers[i])
	}
	r := Receipt{Accepted: len(events) - len(optedOut), Causes: []Cause{}, Received: now.UTC().Truncate(time.Second)}
	r.Refused = len(lines) - r.Accepted
	for cause, at := range refused {
		r.Causes = append(r.Causes, Cause{cause, at})
	}
	slices.SortFunc(r.Causes, func(a, b Cause) int { return strings.Compare(a.Cause, b.Cause) })
	return r, nil
}

// read turns the text of an event into one that can be delivered, or returns the
// cause why not.
func (d *Door) read(c *caller, b batch, text []byte, now time.Time) (sent intake.Sent, cause string, err error) {
	e, cause := parseEvent(text, now)
	if cause != "" {
		return sent, cause, nil
	}
	today := storage.DayOf(now)
	labels := d.house.Store.Labels()
	sent.Day = storage.DayOf(e.at)
	switch {
	case sent.Day > today+1:
		return sent, causeFuture, nil
	case !labels.InForce(storage.Seen, sent.Day, today):
		return sent, causeExpired, nil
	}
	if cause, err = d.whom(c, b, e.User, &sent); cause != "" || err != nil {
		return sent, cause, err
	}
	for _, name := range e.Labels {
		name = strings.ToLower(name)
		l, known := labels.Lookup(name)
		switch {
		case storage.Reserved(name) || known && !d.house.Writes(b.site, name):
			return sent, causeForbidden, nil
		case !known:
			return sent, causeUnknown, nil
		case !labels.InForce(l, sent.Day, today):
			return sent, causeExpired, nil
		}
		sent.Labels = append(sent.Labels, l)
	}
	// What a rule gives is no fault of the event: a label that has expired is left
	// out.
	for _, name := range b.rules(e.page()) {
		if l, known := labels.Lookup(name); known && labels.InForce(l, sent.Day, today) {
			sent.Labels = append(sent.Labels, l)
		}
	}
	return sent, "", nil
}

// whom fills in the user of an event: an id of the batch's own site, or a visitor
// of it.
func (d *Door) whom(c *caller, b batch, ref string, sent *intake.Sent) (cause string, err error) {
	destination := segments.SitePrefix + b.site
	if strings.Contains(ref, ":") {
		space, id, err := c.externalOf(ref)
		switch {
		case err != nil || space != destination:
			return causeSpace, nil
		case len(id) > storage.MaxExternalID:
			return causeUser, nil
		}
		sent.ID = id
		sent.Space, err = d.house.Store.Space(space)
		return "", err
	}
	u, ok := d.house.Visitor([]byte(ref))
	if ok {
		ok, err = visits(d.house.Store.View(), destination, u)
	}
	if !ok {
		return causeUser, err
	}
	sent.User = u
	return "", nil
}
