package pixel

import (
	"bytes"
	"time"

	"sosie/storage"
)

// collect makes r.labels what a hit brings: the site's own label first, then those
// that its lines name, that rules grant and that are created. What is left out is
// counted. user is the user, if the hit is one's.
func (p *Pixel) collect(h *Hit, r *Reply, s *site, user *storage.Ordinal, now time.Time) {
	r.labels = append(r.labels[:0], s.label)
	lines := h.lines()
	for n := 0; ; n++ {
		line, ok := lines.next()
		if !ok {
			return
		}
		if n > 0 { // the first has been read
			if n == maxLines {
				p.counters.add(lineExcess, 1+lines.count())
				return
			}
			r.query.parse(line, p.limits.Labels)
			if p.siteNamed(r.query.site) != s || s.own && !bytes.Equal(r.query.own, r.own) {
				p.counters.add(lineForeign, 1) // or of another user
				continue
			}
		}
		p.counters.add(partMalformed, r.query.malformed)
		p.counters.add(labelExcess, r.query.excess)
		p.name(h, r, s, user, now)
		p.match(h, r, s, now)
	}
}

// name adds the labels that a line names.
func (p *Pixel) name(h *Hit, r *Reply, s *site, user *storage.Ordinal, now time.Time) {
	labels := p.store.Labels()
	for _, name := range r.query.labels {
		l, known := labels.LookupBytes(name)
		why := none
		switch spec := labels.Spec(l); {
		case !known && (len(name) > 128 || !storage.ValidLabelName(string(name))):
			why = labelMalformed
		case !known && labels.Deleted(string(name)):
			why = labelForbidden // an operator ended it
		case !known && s.creates(name):
			why = p.bring(h, r, s, string(name), user, now)
		case !known:
			why = labelUnknown
		case storage.Reserved(spec.Name) || !s.mayWrite(spec.Name):
			why = labelForbidden
		case spec.Signed:
			if why = p.signed(r, s, now); why == none {
				r.add(l)
			}
		default:
			r.add(l)
			if s.creates(name) {
				p.deliver(r, string(name), l)
			}
		}
		if why != none {
			p.counters.add(why, 1)
		}
		r.trace.named(name, why)
	}
}

// add adds a label unless it is there.
func (r *Reply) add(l storage.Label) {
	for _, twice := range r.labels {
		if twice == l {
			return
		}
	}
	r.labels = append(r.labels, l)
}
