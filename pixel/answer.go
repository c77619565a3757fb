package pixel

import (
	"errors"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// The paths that are answered.
const (
	Path       = "/p.gif" // one hit, as an image
	BeaconPath = "/p"     // several, as the body of a POST
	MePath     = "/v1/me"
	TagPath    = "/v1/tag.js" // and TagAlias
	TagAlias   = "/tag.js"
	HealthPath = "/healthz"
)

// retryAfter is what a 503 says, in seconds.
const retryAfter = 10

// Answer answers one request. It returns when what it stored is durable.
func (p *Pixel) Answer(h *Hit, r *Reply) {
	r.reset()
	path, allow := string(h.Path), "GET, HEAD"
	if path == BeaconPath {
		allow = "POST"
	}
	switch path {
	case Path, BeaconPath, MePath, TagPath, TagAlias, HealthPath:
	default:
		p.counters.add(notFound, 1)
		r.Status = 404
		return
	}
	switch {
	case h.Post != (path == BeaconPath):
		p.counters.add(requestBad, 1)
		r.Status, r.Allow = 405, allow
	case path == MePath:
		if why := p.me(h, r); why != none {
			p.counters.add(meRefused, 1)
		} else {
			p.counters.add(meAnswered, 1)
		}
	case path == TagPath || path == TagAlias:
		p.counters.add(tagServed, 1)
		r.script(h)
	case path == HealthPath:
		r.Status, r.Type, r.Body = 200, "text/plain", healthy
		if p.store.Broken() != nil { // a restart mends it, so whoever watches must hear of it
			r.Status, r.Body = 503, stopped
		}
	default:
		if p.inspected(h) {
			r.trace = new(Trace)
		}
		outcome := p.answer(h, r)
		p.settle(r, outcome)
		p.counters.add(outcome, 1)
		if r.trace != nil {
			p.answerTrace(r, outcome)
		}
	}
}

// answer answers a hit and returns what became of it.
func (p *Pixel) answer(h *Hit, r *Reply) cause {
	r.accept(h)
	if len(h.Query) > p.limits.Query || len(h.Posted) > p.limits.Body {
		return queryTooLong
	}
	all := h.lines()
	first, _ := all.next()
	r.query.parse(first, p.limits.Labels)
	s := p.siteNamed(r.query.site)
	if s == nil {
		r.Status, r.Type, r.Body = 403, "", nil
		return siteUnknown
	}
	switch {
	case h.Head:
		return headed
	case h.Prefetch:
		return prefetched
	case h.Body:
		return withBody
	}
	if why := s.embedded(h); why != none {
		if s.strict {
			return refusedByOrigin
		}
		p.counters.add(why, 1)
	}
	agent, device := p.robots.check(h, p.elapsed())
	r.device = device
	if agent == robot {
		return robotSeen
	}
	var c cookies
	c.scan(h.Cookies, p.style(h, s).name)
	gpc, signal := p.signals(r, first, all)
	refusal := decide(c.optOut, h.GPC || gpc, s)
	if refusal == none && signal {
		refusal = refusedBySignal
	}
	if refusal == refusedByDefault || refusal == refusedBySignal {
		return refusal // whoever it is, nothing is stored
	}
	now := p.clock()
	who, user, old := p.recognize(&c, r, now)
	if p.named(r, s) {
		return p.ownHit(h, r, s, who, user.Ordinal, refusal, now)
	}
	if who == known {
		return p.known(h, r, s, user, old, refusal, now)
	}
	if refusal != none {
		return p.refusePending(h, r, s, who, refusal)
	}
	if agent == unchecked { // a flood of agents must not cost users their hits
		return agentUnchecked
	}
	p.collect(h, r, s, nil, now)
	switch {
	case who == returned:
		return p.claim(h, r, s, now)
	case s.countFirst, len(r.signatures) > 0: // what is signed is not lost to a cookie that never comes back
		return p.countFirst(h, r, s, now)
	}
	p.setPending(h, r, s, now)
	return pendingSet
}

// signals reports whether any line of a hit says that its browser asks not to be
// tracked, or carries a signal of consent: what one says holds for all. The first
// line is in r.query, and stays there.
func (p *Pixel) signals(r *Reply, first []byte, rest lines) (gpc, signal bool) {
	gpc, signal = r.query.gpc, r.query.signal
	more := false
	for line, ok := rest.next(); ok; line, ok = rest.next() {
		r.query.parse(line, 0)
		gpc, signal, more = gpc || r.query.gpc, signal || r.query.signal, true
	}
	if more {
		r.query.parse(first, p.limits.Labels)
	}
	return gpc, signal
}

// settle ends what a hit began: labels have left quarantine when they are stored, and
// a signature whose hit was not may be used again.
func (p *Pixel) settle(r *Reply, outcome cause) {
	if outcome == stored {
		p.quarantine.release(r.created)
		return
	}
	p.signatures.forget(r.signatures)
}

// siteNamed returns the site of a key, or nil.
func (p *Pixel) siteNamed(key []byte) *site { return (*p.sites.Load())[string(key)] }

// visitor is who a hit's cookies say it is.
type visitor int

const (
	stranger visitor = iota
	returned         // brings back the pending cookie in Reply.pending
	known
)

// recognize opens the cookies of a hit. A user's goes before a pending one.
func (p *Pixel) recognize(c *cookies, r *Reply, now time.Time) (who visitor, user identity.UserCookie, old bool) {
	for _, value := range c.candidates[:c.count] {
		if user, old, err := p.keys.OpenUser(value); err == nil {
			if why := p.voids(user, now); why != none {
				p.counters.add(why, 1)
				continue
			}
			return known, user, old
		}
		var pending identity.PendingCookie
		if p.keys.OpenPending(value, &pending) != nil {
			p.counters.add(cookieForged, 1)
			continue
		}
		switch {
		case pending.Epoch != p.store.Epoch():
			p.counters.add(cookieForeign, 1)
		case !pending.Alive(now):
			p.counters.add(cookieExpired, 1)
		case who == stranger:
			who, r.pending = returned, pending
		}
	}
	return who, user, false
}

// voids returns why a user's cookie counts as none. One of an earlier epoch
// stays good where its user came before the dump that a later one began with.
func (p *Pixel) voids(c identity.UserCookie, now time.Time) cause {
	switch {
	case !c.Alive(storage.DayOf(now)):
		return cookieExpired
	case c.Epoch > p.store.Epoch() || !p.issued(c.Ordinal) || p.store.Voided(c.Epoch, c.Ordinal):
		return cookieForeign
	case p.store.View().Masked(storage.Erased, c.Ordinal):
		return cookieErased
	}
	return none
}

// known answers the hit of a user.
func (p *Pixel) known(h *Hit, r *Reply, s *site, c identity.UserCookie, old bool, refusal cause, now time.Time) cause {
	u := c.Ordinal
	if p.hasOptedOut(u) {
		return refusedBefore
	}
	if refusal != none {
		return p.optOut(r, u, refusal)
	}
	p.collect(h, r, s, &u, now)
	if why := p.record(h, r, u, now); why != none {
		return why
	}
	if old || c.Epoch != p.store.Epoch() {
		p.setUser(h, r, s, u, c.Born, now)
		p.counters.add(resealed, 1)
	}
	return stored
}

func (p *Pixel) hasOptedOut(u storage.Ordinal) bool {
	return p.store.View().Masked(storage.OptedOut, u) || p.optOuts.fresh(u, p.elapsed())
}

// optOut records once that a user refused, for all sites and for good.
func (p *Pixel) optOut(r *Reply, u storage.Ordinal, refusal cause) cause {
	if !p.optOuts.enter(u, p.elapsed()) {
		return refusal
	}
	r.records.Mask(storage.OptedOut, u, true)
	if why := p.append(r); why != none {
		p.optOuts.leave(u)
		return why
	}
	p.counters.add(optedOut, 1)
	return refusal
}

// refusePending ends a pending cookie whose browser refuses. Where it has become
// a user already, and only the answer was lost, that user refuses.
func (p *Pixel) refusePending(h *Hit, r *Reply, s *site, who visitor, refusal cause) cause {
	if who != returned {
		return refusal
	}
	r.setCookie(p.style(h, s), "", 0) // the browser forgets it
	if u, known := p.store.LookupClaim(r.pending.Nonce); known && !p.hasOptedOut(u) {
		return p.optOut(r, u, refusal)
	}
	return refusal
}

// claim turns the pending cookie in r.pending into a user: with the claim, the
// first hit becomes durable and this one, or none of them.
func (p *Pixel) claim(h *Hit, r *Reply, s *site, now time.Time) cause {
	from, tick := networkOf(h.Client), p.elapsed()
	if !p.claims.take(from, tick) {
		return claimLimited
	}
	u, before, err := p.store.ResolveClaim(r.pending.Nonce)
	if err != nil {
		return p.unavailable(r, err)
	}
	if before {
		p.claims.giveBack(from, tick) // no new user
		switch view := p.store.View(); {
		case view.Masked(storage.Erased, u):
			p.counters.add(cookieErased, 1)
			if len(r.signatures) > 0 {
				return p.countFirst(h, r, s, now)
			}
			p.setPending(h, r, s, now)
			return pendingSet
		case p.hasOptedOut(u):
			return refusedBefore
		}
	} else {
		r.records.Claim(r.pending.Nonce, u, now)
	}
	born := storage.DayOf(r.pending.At)
	if first := p.pendingLabels(r); len(first) > 0 {
		r.records.Hit(u, born, first...)
	}
	if why := p.record(h, r, u, now); why != none {
		return why
	}
	p.setUser(h, r, s, u, born, now)
	if !before {
		p.counters.add(claimed, 1)
	}
	return stored
}

// pendingLabels returns what the first hit brings, by the rules of today: the
// configuration may have changed while the cookie was away.
func (p *Pixel) pendingLabels(r *Reply) []storage.Label {
	s := p.siteOf(r.pending.Site)
	if s == nil || !s.collect || r.pending.Decision != identity.Collect {
		return nil
	}
	first := append(make([]storage.Label, 0, identity.MaxPendingLabels+1), s.label)
	labels := p.store.Labels()
	for _, l := range r.pending.Labels[:r.pending.Count] {
		if spec := labels.Spec(l); !spec.Signed && s.mayWrite(spec.Name) {
			first = append(first, l)
		}
	}
	return first
}

// siteOf returns the site with a label, or nil.
func (p *Pixel) siteOf(label storage.Label) *site {
	for _, s := range *p.sites.Load() {
		if s.label == label {
			return s
		}
	}
	return nil
}

// countFirst makes a user of a browser never seen: at sites that ask for it, and
// for hits that are signed.
func (p *Pixel) countFirst(h *Hit, r *Reply, s *site, now time.Time) cause {
	if !p.claims.take(networkOf(h.Client), p.elapsed()) {
		return claimLimited
	}
	u, err := p.store.NewUser()
	if err != nil {
		return p.unavailable(r, err)
	}
	if why := p.record(h, r, u, now); why != none {
		return why
	}
	p.setUser(h, r, s, u, storage.DayOf(now), now)
	p.counters.add(counted, 1)
	return stored
}

// record makes the hit of a user durable, with the labels of where it comes
// from, after what r.records holds already. A user with more hits today than a
// person makes is marked as a robot in the same append.
func (p *Pixel) record(h *Hit, r *Reply, u storage.Ordinal, now time.Time) cause {
	day := storage.DayOf(now)
	r.labels = p.places.Append(r.labels, h.Client)
	r.records.Hit(u, day, r.labels...)
	mark := p.busy.exceeds(u, day) && !p.store.View().Masked(storage.Robot, u)
	if mark {
		r.records.Mask(storage.Robot, u, true)
	}
	why := p.append(r)
	switch {
	case mark && why == none:
		p.counters.add(robotMarked, 1)
	case mark:
		p.busy.retry(u, day)
	}
	return why
}

// append makes r.records durable; its cause is none, or why it could not.
func (p *Pixel) append(r *Reply) cause {
	if _, err := p.store.Append(&r.records); err != nil {
		return p.unavailable(r, err)
	}
	return none
}

// unavailable answers a hit that could not be made durable.
func (p *Pixel) unavailable(r *Reply, err error) cause {
	r.Status, r.Type, r.Body, r.RetryAfter = 503, "", nil, retryAfter
	switch {
	case errors.Is(err, storage.ErrFull):
		return storeFull
	case errors.Is(err, storage.ErrStopped):
		return storeStopped
	}
	return storeFailed
}
