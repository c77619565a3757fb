package pixel

import (
	"bytes"
	"strconv"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// The names of the cookies.
const (
	CookieName = "sosie"
	OptOutName = "sosie_optout"
)

// maxCandidates is how many cookies of our name a hit may bring: browsers send
// several when their paths or domains differ, and opening each costs 1.5 µs.
const maxCandidates = 4

// cookies are what a hit's Cookie headers say to us. The slices point into
// the headers.
type cookies struct {
	optOut     bool
	count      int
	candidates [maxCandidates][]byte
}

// scan reads the Cookie headers of a hit. Only our two names are looked for, so
// that a jar of a hundred cookies costs one pass and no memory.
func (c *cookies) scan(headers [][]byte) {
	for _, rest := range headers {
		for len(rest) > 0 {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, semicolon)
			for len(pair) > 0 && (pair[0] == ' ' || pair[0] == '\t') {
				pair = pair[1:]
			}
			if len(pair) <= len(CookieName) || string(pair[:len(CookieName)]) != CookieName {
				continue
			}
			name, value, _ := bytes.Cut(pair, equals)
			value = bytes.TrimRight(value, " \t")
			switch {
			case string(name) == OptOutName:
				c.optOut = c.optOut || string(value) == "1"
			case string(name) == CookieName && c.count < maxCandidates:
				c.candidates[c.count] = value
				c.count++
			}
		}
	}
}

var semicolon, equals = []byte{';'}, []byte{'='}

// setCookie makes the reply set our cookie for some seconds.
func (r *Reply) setCookie(value string, seconds int64, secure bool) {
	b := append(r.SetCookie[:0], CookieName+"="...)
	b = append(b, value...)
	b = append(b, "; Path=/; Max-Age="...)
	b = strconv.AppendInt(b, seconds, 10)
	b = append(b, "; HttpOnly; SameSite="...)
	if secure {
		b = append(b, "None; Secure"...)
	} else {
		b = append(b, "Lax"...)
	}
	r.SetCookie = b
}

// setUser makes the reply set the cookie of a user, until the end of its life.
func (p *Pixel) setUser(h *Hit, r *Reply, u storage.Ordinal, born storage.Day, now time.Time) {
	c := identity.UserCookie{Ordinal: u, Epoch: p.store.Epoch(), Born: born}
	r.setCookie(p.keys.SealUser(c), max(c.End().Time().Unix()-now.Unix(), 1), h.Secure || p.secure)
}

// setPending makes the reply set a pending cookie that stands for this hit.
func (p *Pixel) setPending(h *Hit, r *Reply, s *site, now time.Time) {
	r.pending = identity.PendingCookie{
		Nonce:    identity.NewNonce(),
		Site:     s.label,
		At:       now,
		Epoch:    p.store.Epoch(),
		Decision: identity.Collect,
	}
	// The first of the labels is the site's own.
	for _, l := range r.labels[1:] {
		if r.pending.Count == identity.MaxPendingLabels {
			p.counters.add(labelExcess, len(r.labels)-1-r.pending.Count)
			break
		}
		r.pending.Labels[r.pending.Count] = l
		r.pending.Count++
	}
	r.setCookie(p.keys.SealPending(&r.pending), int64(identity.PendingLife/time.Second), h.Secure || p.secure)
}
