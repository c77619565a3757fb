package dmp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sosie/audience"
	"sosie/audience/members"
	"sosie/audience/segments"
	"sosie/pixel/identity"
)

// The paths of the socket for publishing; both take a shelfOrder.
const (
	pathPublishSegment   = "/v1/segments/publish"
	pathUnpublishSegment = "/v1/segments/unpublish"
)

// PublishSegment lets a site or a partner read who is in a segment. The
// destination is a site's key, a partner's name, or, where the two could be
// confused, site/KEY or partner/NAME.
func (d *DMP) PublishSegment(ctx context.Context, name, to string) (SavedSegment, error) {
	return d.republish(ctx, "publish", name, to, d.segments.Publish)
}

// UnpublishSegment ends what PublishSegment began.
func (d *DMP) UnpublishSegment(ctx context.Context, name, to string) (SavedSegment, error) {
	return d.republish(ctx, "unpublish", name, to, d.segments.Unpublish)
}

func (d *DMP) republish(ctx context.Context, op, name, to string, change func(name, to string) error) (SavedSegment, error) {
	destination, err := d.destination(name, to)
	if err == nil {
		err = change(name, destination)
	}
	if err == nil {
		err = d.store.Sync()
	}
	if err == nil && d.serving.Load() != nil { // those who read it need not wait for the next evaluation
		err = d.members.Refresh(ctx)
		if errors.Is(err, members.ErrMemory) && op == "publish" { // one too many must not cost all the others
			err = errors.Join(err, d.segments.Unpublish(name, destination))
		}
	}
	if err != nil {
		return SavedSegment{}, d.unknownSegment(op, name, err)
	}
	return d.Segment(ctx, name)
}

// destination returns the whole name of a destination. A site must be in the
// configuration, unless the segment is published to it already.
func (d *DMP) destination(segment, to string) (string, error) {
	to = strings.ToLower(to)
	fail := func(hint, format string, args ...any) (string, error) {
		return "", &Error{Op: "publish", Object: "segment " + segment, Err: caused{fmt.Errorf(format, args...), ErrSegment}, Hint: hint}
	}
	var sites []string
	for _, s := range d.declared.Load().sites {
		if s.Key == to {
			return segments.SitePrefix + to, nil
		}
		sites = append(sites, s.Key)
	}
	if saved, err := d.segments.Get(segment); err == nil {
		for _, already := range saved.PublishedTo {
			if already == to {
				return to, nil
			}
		}
	}
	if key, is := strings.CutPrefix(to, segments.SitePrefix); is {
		for _, known := range sites {
			if known == key {
				return to, nil
			}
		}
		return fail("The sites are: "+strings.Join(sites, ", ")+".", "site %q is not in the configuration", key)
	}
	partner, explicit := strings.CutPrefix(to, segments.PartnerPrefix)
	if !identity.ValidPartnerName(partner) {
		return fail("A destination is the key of a site, or the name of a partner: [a-z0-9][a-z0-9_-]{0,63}.", "%q is no name of a partner", partner)
	}
	if near, ok := audience.Nearest(partner, sites); ok && !explicit {
		return fail(fmt.Sprintf("Did you mean the site %s? If not, write %s%s.", near, segments.PartnerPrefix, partner), "there is no site %q", partner)
	}
	return segments.PartnerPrefix + partner, nil
}
