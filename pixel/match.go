package pixel

import (
	"fmt"
	"time"

	"sosie/pixel/rules"
	"sosie/storage"
)

// bindRules declares the labels that a site's rules grant, where nobody has, and
// notes their numbers. A rule may not grant a signed label: whoever sends hits could
// make it fire.
func (p *Pixel) bindRules(s *site) error {
	granted := s.pages.Granted()
	labels := p.store.Labels()
	var missing []storage.LabelSpec
	for _, name := range granted {
		if l, known := labels.Lookup(name); !known {
			missing = append(missing, storage.LabelSpec{Name: name})
		} else if labels.Spec(l).Signed {
			return fmt.Errorf("%w: a rule grants %s, which is signed: only the site's server may write it", ErrBadConfig, name)
		}
	}
	if len(missing) > 0 {
		if _, err := p.store.Declare(missing...); err != nil {
			return err
		}
		labels = p.store.Labels()
	}
	s.grants = make([][]storage.Label, s.pages.Len())
	for rule := range s.grants {
		for _, name := range s.pages.Labels(rule) {
			if l, known := labels.Lookup(name); known {
				s.grants[rule] = append(s.grants[rule], l)
			}
		}
	}
	return nil
}

// match adds the labels of the rules that fire on the line in r.query.
func (p *Pixel) match(h *Hit, r *Reply, s *site, now time.Time) {
	if s.pages.Len() == 0 {
		return
	}
	page := &r.page
	r.query.page(page, h)
	page.Device, page.Time = r.device, now
	labels := p.store.Labels()
	for _, rule := range s.pages.Match(page, &r.scratch) {
		for _, l := range s.grants[rule] {
			switch state := labels.State(l); {
			case state.Deleted: // since the rules were read
				r.trace.named([]byte(state.Name), labelForbidden)
			case state.Signed:
				r.trace.named([]byte(state.Name), labelSigned)
			default:
				r.add(l)
			}
		}
	}
	if r.trace != nil {
		r.trace.explain(s.pages, page)
	}
	*page = rules.Page{} // nothing of a hit is kept
}

// page is what rules may look at. A page that does not say its address, such as one
// with an image alone, is where the browser says it comes from.
func (q *query) page(page *rules.Page, h *Hit) {
	*page = rules.Page{
		Referrer: q.referrer, Canonical: q.canonical, Title: q.title, Meta: q.words, Search: q.search,
		Event: q.event, Object: q.object, Items: q.items, Value: q.value, Currency: q.currency,
	}
	if len(q.url) > 0 {
		page.SetURL(q.url)
	} else {
		page.SetURL(h.Referer)
	}
}
