package pixel

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"sosie/pixel/identity"
	"sosie/storage"
)

// The names of the cookies. A first-party site's is FirstPartyPrefix and its key, over
// TLS with __Host- before it, so that no sub-domain can plant one.
const (
	CookieName       = "sosie"
	PartitionedName  = hostPrefix + CookieName
	FirstPartyPrefix = "sosie-"
	OptOutName       = "sosie_optout"
)

const hostPrefix = "__Host-"

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

// scan reads the Cookie headers of a hit. Only our name and that of the opt-out
// are looked for, so that a jar of a hundred cookies costs one pass and no memory.
func (c *cookies) scan(headers [][]byte, ours string) {
	for _, rest := range headers {
		for len(rest) > 0 {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, semicolon)
			for len(pair) > 0 && (pair[0] == ' ' || pair[0] == '\t') {
				pair = pair[1:]
			}
			switch {
			case hasName(pair, ours):
				if c.count < maxCandidates {
					c.candidates[c.count] = valueOf(pair, len(ours))
					c.count++
				}
			case hasName(pair, OptOutName):
				c.optOut = c.optOut || string(valueOf(pair, len(OptOutName))) == "1"
			}
		}
	}
}

func hasName(pair []byte, name string) bool {
	return len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name
}

func valueOf(pair []byte, name int) []byte { return bytes.TrimRight(pair[name+1:], " \t") }

var semicolon, equals = []byte{';'}, []byte{'='}

// cookieStyle is a cookie's name and what browsers may do with it.
type cookieStyle struct {
	name       string
	attributes string // after Path and Max-Age
}

// The attributes of cookies. What is for other sites' pages needs TLS; over plain
// HTTP, which is for tests on one's own machine, it is as good as it can be.
const (
	laxHTTP  = "; HttpOnly; SameSite=Lax"
	laxHTTPS = "; HttpOnly; SameSite=Lax; Secure"
	third    = "; HttpOnly; SameSite=None; Secure"
	chips    = "; HttpOnly; SameSite=None; Secure; Partitioned"
)

// stylesOf returns the cookie of a site's identity over plain HTTP and over TLS.
func stylesOf(identity, key string) (plain, secure cookieStyle) {
	switch identity {
	case Partitioned:
		return cookieStyle{CookieName, laxHTTP}, cookieStyle{PartitionedName, chips}
	case FirstParty, Own:
		return cookieStyle{FirstPartyPrefix + key, laxHTTP}, cookieStyle{hostPrefix + FirstPartyPrefix + key, laxHTTPS}
	}
	return cookieStyle{CookieName, laxHTTP}, cookieStyle{CookieName, third}
}

// cookieKey reports whether a site's key can be part of a cookie's name.
func cookieKey(key string) bool { return !strings.ContainsAny(key, ":/") }

// style is the cookie of a hit.
func (p *Pixel) style(h *Hit, s *site) *cookieStyle {
	if h.Secure || p.secure {
		return &s.secure
	}
	return &s.plain
}

// setCookie makes the reply set our cookie for some seconds.
func (r *Reply) setCookie(style *cookieStyle, value string, seconds int64) {
	b := append(append(r.SetCookie[:0], style.name...), '=')
	b = append(b, value...)
	b = append(b, "; Path=/; Max-Age="...)
	r.SetCookie = append(strconv.AppendInt(b, seconds, 10), style.attributes...)
}

// setUser makes the reply set the cookie of a user, until the end of its life.
func (p *Pixel) setUser(h *Hit, r *Reply, s *site, u storage.Ordinal, born storage.Day, now time.Time) {
	c := identity.UserCookie{Ordinal: u, Epoch: p.store.Epoch(), Born: born}
	r.setCookie(p.style(h, s), p.keys.SealUser(c), max(c.End().Time().Unix()-now.Unix(), 1))
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
	r.setCookie(p.style(h, s), p.keys.SealPending(&r.pending), int64(identity.PendingLife/time.Second))
}
