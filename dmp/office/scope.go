package office

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sosie/audience"
	"sosie/audience/segments"
	"sosie/dmp"
	"sosie/storage"
)

// A grant with sites is answered about the users of these sites: an expression E
// is asked as `(E) and (site/a or site/b)`, so that `seen` and what `not` leaves are
// the users of these sites too. It may name the labels that the sites bring, and
// the segments of its folder. What it may not name is told like what does not
// exist, so that it cannot be searched for.

// confined reports whether the caller is one of some sites.
func (c caller) confined() bool { return len(c.grant.Sites) > 0 }

// own is the users of the caller's sites.
func (c caller) own() audience.Expr {
	parts := make([]audience.Expr, 0, len(c.grant.Sites))
	for _, site := range c.grant.Sites {
		parts = append(parts, &audience.Label{Name: storage.SiteName(site)})
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &audience.Or{Parts: parts}
}

// scoped returns an expression as it is asked for the caller. One that cannot be
// read is returned as it is, for the house to say why.
func (c caller) scoped(ctx context.Context, text string) (string, error) {
	if !c.confined() && c.grant.Folder == "" {
		return text, nil
	}
	e, err := audience.Parse(text)
	if err != nil {
		return text, nil
	}
	audience.EachTerm(e, func(term audience.Expr) {
		if err == nil {
			err = c.mayName(ctx, term)
		}
	})
	if err != nil {
		return "", err
	}
	if !c.confined() {
		return text, nil
	}
	return c.within(e).String(), nil
}

// within adds the caller's sites to an expression that does not end in them.
func (c caller) within(e audience.Expr) audience.Expr {
	if c.isWithin(e) {
		return e
	}
	if and, ok := e.(*audience.And); ok {
		return &audience.And{Parts: append(slices.Clone(and.Parts), c.own())}
	}
	return &audience.And{Parts: []audience.Expr{e, c.own()}}
}

// isWithin reports whether an expression ends in the caller's sites.
func (c caller) isWithin(e audience.Expr) bool {
	and, ok := e.(*audience.And)
	return ok && and.Parts[len(and.Parts)-1].String() == c.own().String()
}

// mayName returns why an expression of the caller may not hold a term.
func (c caller) mayName(ctx context.Context, term audience.Expr) error {
	switch term := term.(type) {
	case *audience.Label:
		if c.confined() && !c.brings(term.Name) {
			return fault(term.At, fmt.Sprintf("label %q is not declared, or is none of your sites", term.Name), c.nearestLabel(term.Name))
		}
	case *audience.Prefix:
		if c.confined() && !c.bringsAll(term.Prefix) {
			return fault(term.At, fmt.Sprintf("your sites do not bring all of %s*", term.Prefix), "name the labels instead, joined by \"or\"")
		}
	case *audience.Call:
		if term.Function == audience.FuncSegment && c.sees(ctx, term.Name) {
			return nil
		}
		return fault(term.At, fmt.Sprintf("there is no %s %q", term.Function, term.Name), c.nearestSegment(ctx, term.Name))
	}
	return nil
}

func fault(at audience.Pos, message, hint string) error {
	return newProblem(http.StatusBadRequest, "read expression: "+audience.FaultAt(at, message).Error(), hint)
}

// brings reports whether a label exists that the caller may name.
func (c caller) brings(label string) bool {
	if label == storage.SeenName {
		return true
	}
	labels := c.house.Dictionary()
	if _, declared := labels.Lookup(label); !declared && !labels.Deleted(label) {
		return false
	}
	for _, site := range c.grant.Sites {
		if label == storage.SiteName(site) || !storage.Reserved(label) && c.house.MayWrite(site, label) {
			return true
		}
	}
	return false
}

func (c caller) bringsAll(prefix string) bool {
	return !storage.Reserved(prefix) && slices.ContainsFunc(c.grant.Sites, func(site string) bool {
		return c.house.MayWriteAll(site, prefix)
	})
}

// sees reports whether a segment exists that the caller may name.
func (c caller) sees(ctx context.Context, name string) bool {
	_, err := c.segment(ctx, name)
	return err == nil
}

// segment returns a segment that the caller sees. One of another folder does not
// exist.
func (c caller) segment(ctx context.Context, name string) (dmp.SavedSegment, error) {
	if c.grant.Folder == "" {
		return c.house.Segment(ctx, name)
	}
	s, err := c.house.Segment(ctx, name)
	if err == nil && c.grant.Holds(s.Folder) {
		return s, nil
	}
	if err != nil && !errors.Is(err, segments.ErrUnknown) {
		return dmp.SavedSegment{}, err
	}
	unknown := newProblem(http.StatusNotFound, fmt.Sprintf("read segment %s: %v", name, segments.ErrUnknown), c.nearestSegment(ctx, name))
	return dmp.SavedSegment{}, unknown
}

func (c caller) nearestLabel(name string) string {
	var own []string
	for _, label := range c.house.Dictionary().Names() {
		if c.brings(label) {
			own = append(own, label)
		}
	}
	return didYouMean(name, own)
}

func (c caller) nearestSegment(ctx context.Context, name string) string {
	all, err := c.house.Segments(ctx)
	if err != nil {
		return ""
	}
	var own []string
	for _, s := range all {
		if c.grant.Holds(s.Folder) {
			own = append(own, s.Name)
		}
	}
	return didYouMean(name, own)
}

func didYouMean(name string, names []string) string {
	if near, ok := audience.Nearest(name, names); ok {
		return "did you mean " + near + "?"
	}
	return ""
}
