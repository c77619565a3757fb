package pixel

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sosie/pixel/rules"
	"sosie/storage"
)

// Memberships tells which of the segments published to a site a user is in.
type Memberships interface {
	// Of appends to dst the names of the segments published to a site, given by the
	// name of its label, that a user is in, and says what they are true of.
	Of(dst []string, to string, u storage.Ordinal) ([]string, storage.Stamp)
}

// SetMemberships lets /v1/me answer with published segments.
func (p *Pixel) SetMemberships(m Memberships) { p.memberships.Store(&m) }

// Me is the answer of /v1/me: what a site may know of the visitor before it.
type Me struct {
	// Labels are those the visitor carries on any day in force, under what the site
	// itself writes by name or prefix.
	Labels []string `json:"labels"`
	// Segments are those published to the site that the visitor is in.
	Segments []string `json:"segments"`
	// At is the time the answer is true of: the older of the two.
	At time.Time `json:"at"`
}

// me answers /v1/me. Only pages of the site itself may read it: a page elsewhere
// gets no permission from the browser, and a browser that says nothing of where it
// is gets nothing from us.
func (p *Pixel) me(h *Hit, r *Reply) cause {
	r.Guarded = true
	r.query.parse(h.Query, 0)
	s := p.siteNamed(r.query.site)
	if s == nil {
		r.Status = 403
		return siteUnknown
	}
	switch {
	case len(h.Origin) > 0:
		host, _, _ := rules.SplitURL(h.Origin)
		if host == nil || !s.hosts.Has(host) || !plainOrigin(h.Origin) || (h.Secure || p.secure) && !overTLS(h.Origin) {
			r.Status = 403
			return originForeign
		}
		r.AllowOrigin = h.Origin
	case !h.SameOrigin: // a page of another site, or no page
		r.Status = 403
		return originUnknown
	}
	answer := Me{Labels: []string{}, Segments: []string{}}
	view := p.store.View()
	answer.At = view.Stamp().At
	if u, ok := p.visitorOf(h, r, s); ok {
		if err := p.tell(&answer, s, view, u); err != nil {
			return p.unavailable(r, err)
		}
	}
	answer.At = answer.At.UTC().Truncate(time.Second)
	r.Status, r.Type = 200, "application/json"
	r.Body, _ = json.Marshal(&answer) // strings and a time always marshal
	return none
}

// visitorOf returns the user of a request who may be told of.
func (p *Pixel) visitorOf(h *Hit, r *Reply, s *site) (storage.Ordinal, bool) {
	var c cookies
	c.scan(h.Cookies, p.style(h, s).name)
	if decide(c.optOut, h.GPC || r.query.gpc, s) != none || r.query.signal {
		return 0, false
	}
	if p.named(r, s) {
		u, ok, err := p.store.LookupID(s.space, r.query.own)
		return u, err == nil && ok && !p.hasOptedOut(u) && !p.store.View().Masked(storage.Erased, u)
	}
	who, user, _ := p.recognize(&c, r, p.clock())
	return user.Ordinal, who == known && !p.hasOptedOut(user.Ordinal)
}

// tell fills in what the site may know of a user.
func (p *Pixel) tell(answer *Me, s *site, view *storage.View, u storage.Ordinal) error {
	err := view.UserLabels(u, func(l storage.Label) {
		if name := view.Labels().Spec(l).Name; !storage.Reserved(name) && s.owns(name) {
			answer.Labels = append(answer.Labels, name)
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(answer.Labels)
	if m := p.memberships.Load(); m != nil {
		var stamp storage.Stamp
		answer.Segments, stamp = (*m).Of(answer.Segments, view.Labels().Spec(s.label).Name, u)
		if !stamp.At.IsZero() && stamp.At.Before(answer.At) {
			answer.At = stamp.At
		}
		slices.Sort(answer.Segments)
	}
	return nil
}

// owns reports whether a label is under what the site is configured to write. A
// site that may write all labels owns none for that.
func (s *site) owns(name string) bool {
	if s.names[name] || s.granted[name] || s.create != "" && strings.HasPrefix(name, s.create) {
		return true
	}
	return slices.ContainsFunc(s.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// overTLS reports whether an origin is of pages that nobody on the way can write.
func overTLS(origin []byte) bool {
	return len(origin) > len(overTLSPrefix) && bytes.EqualFold(origin[:len(overTLSPrefix)], overTLSPrefix)
}

var overTLSPrefix = []byte("https://")

// plainOrigin reports whether an origin can be sent back in a header as it is.
func plainOrigin(origin []byte) bool {
	for _, c := range origin {
		if c <= ' ' || c > '~' || c == ',' {
			return false
		}
	}
	return true
}
