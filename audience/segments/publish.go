package segments

import (
	"fmt"
	"slices"
	"strings"

	"sosie/storage"
)

// The destinations that a segment is published to: site/<key>, as the label of
// the site is called, or partner/<name>.
const (
	SitePrefix    = "site/"
	PartnerPrefix = "partner/"
)

// MaxPublished is how many segments may be published, to whatever destinations:
// the memory of their memberships grows with each.
const MaxPublished = 256

// ValidDestination reports whether to is site/<key> or partner/<name>.
func ValidDestination(to string) bool {
	if !strings.HasPrefix(to, SitePrefix) && !strings.HasPrefix(to, PartnerPrefix) {
		return false
	}
	_, name, _ := strings.Cut(to, "/")
	return name != "" && storage.ValidLabelName(to)
}

// Publish lets a destination read who is in a segment. To publish twice changes
// nothing. The errors are ErrUnknown and ErrBadName.
func (s *Shelf) Publish(name, to string) error {
	return s.republish("publish", name, func(edit *storage.Edit, segment *Segment) error {
		if !ValidDestination(to) {
			return fmt.Errorf("%w: destination %q: want %sKEY or %sNAME", ErrBadName, to, SitePrefix, PartnerPrefix)
		}
		if slices.Contains(segment.PublishedTo, to) {
			return nil
		}
		all, err := published(edit)
		if err != nil {
			return err
		}
		if len(segment.PublishedTo) == 0 && len(all) >= MaxPublished {
			return fmt.Errorf("%w: %d segments are published already, which is the most", ErrPublished, len(all))
		}
		segment.PublishedTo = append(segment.PublishedTo, to)
		slices.Sort(segment.PublishedTo)
		return nil
	})
}

// Unpublish ends what Publish began. The errors are ErrUnknown and
// ErrNotPublished.
func (s *Shelf) Unpublish(name, to string) error {
	return s.republish("unpublish", name, func(_ *storage.Edit, segment *Segment) error {
		at := slices.Index(segment.PublishedTo, to)
		if at < 0 {
			return fmt.Errorf("%w: %s", ErrNotPublished, to)
		}
		segment.PublishedTo = slices.Delete(segment.PublishedTo, at, at+1)
		return nil
	})
}

func (s *Shelf) republish(op, name string, change func(*storage.Edit, *Segment) error) error {
	err := s.documents.Edit(func(edit *storage.Edit) error {
		segment, err := get(edit, name)
		if err == nil {
			err = change(edit, &segment)
		}
		if err != nil {
			return err
		}
		return put(edit, Kind, name, segment)
	})
	if err != nil {
		return fmt.Errorf("%s segment %s: %w", op, name, err)
	}
	return nil
}

// Published returns the segments of a view that have a destination, in order of
// their names.
func Published(v *storage.View) ([]Segment, error) { return published(viewed{v}) }

func published(from source) ([]Segment, error) {
	all, err := list(from)
	return slices.DeleteFunc(all, func(s Segment) bool { return len(s.PublishedTo) == 0 }), err
}

// unpublished returns nil, or ErrPublished with the destinations.
func (s Segment) unpublished() error {
	if len(s.PublishedTo) == 0 {
		return nil
	}
	return fmt.Errorf("%w to %s", ErrPublished, strings.Join(s.PublishedTo, ", "))
}
