package pixel

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"

	"sosie/storage"
)

// maxOwnID is the longest id of a site's own, in bytes.
const maxOwnID = 128

// SignID returns the signature that lets a hit name its user by the site's own id:
// the parameter h, beside k, the id. It is the HMAC-SHA256 under the site's secret of
//
//	sosie1 id LF site LF id
//
// in hexadecimal, and good for as long as the secret. A site's server puts it on the
// pages of a visitor who has signed in.
func SignID(secret []byte, site, id string) string {
	return hex.EncodeToString(macOfID(secret, []byte(site), []byte(id)))
}

func macOfID(secret, site, id []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("sosie1 id\n"))
	mac.Write(site)
	mac.Write([]byte{'\n'})
	mac.Write(id)
	return mac.Sum(nil)
}

// named reports whether the line in r.query names its user by a good id of the
// site's own.
func (p *Pixel) named(r *Reply, s *site) bool {
	q := &r.query
	if !s.own || len(q.own) == 0 {
		return false
	}
	var mac [sha256.Size]byte
	if len(q.own) > maxOwnID || len(q.vouched) != 2*len(mac) {
		p.counters.add(idForged, 1)
		return false
	}
	if _, err := hex.Decode(mac[:], q.vouched); err != nil || subtle.ConstantTimeCompare(mac[:], macOfID(s.secret, q.site, q.own)) != 1 {
		p.counters.add(idForged, 1)
		return false
	}
	return true
}

// ownHit answers the hit of a user whom the site itself names. There is no cookie to
// wait for: who is named is a user at once. who and by say whom the hit's cookies
// name: what their browser refused is refused.
func (p *Pixel) ownHit(h *Hit, r *Reply, s *site, who visitor, by storage.Ordinal, refusal cause, now time.Time) cause {
	if refusal != none {
		return p.ownRefusal(h, r, s, who, by, refusal)
	}
	if who == known && p.hasOptedOut(by) {
		return refusedBefore
	}
	r.own = append(r.own, r.query.own...)
	u, write, err := p.store.ResolveID(s.space, r.own)
	if err != nil {
		return p.unavailable(r, err)
	}
	today := storage.DayOf(now)
	switch {
	case p.store.View().Masked(storage.Erased, u):
		p.counters.add(cookieErased, 1)
		return refusedBefore
	case p.hasOptedOut(u):
		return refusedBefore
	case write:
		r.records.ID(s.space, r.own, u, today)
	}
	p.collect(h, r, s, &u, now)
	if why := p.record(h, r, u, now); why != none {
		return why
	}
	return stored
}

// ownRefusal answers the hit of a named user who refuses: for the user who is named,
// and for the one whose cookie it is. An id that nobody has met stays so.
func (p *Pixel) ownRefusal(h *Hit, r *Reply, s *site, who visitor, by storage.Ordinal, refusal cause) cause {
	u, met, err := p.store.LookupID(s.space, r.query.own)
	if err != nil {
		return p.unavailable(r, err)
	}
	why := refusal
	switch {
	case who != known:
		why = p.refusePending(h, r, s, who, refusal)
	case !p.hasOptedOut(by):
		why = p.optOut(r, by, refusal)
	}
	if why != refusal || !met || p.hasOptedOut(u) {
		return why
	}
	r.records.Reset()
	return p.optOut(r, u, refusal)
}
