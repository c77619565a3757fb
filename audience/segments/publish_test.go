package segments

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"sosie/storage"
)

func destinations(t *testing.T, s *Shelf, name string) []string {
	t.Helper()
	segment, err := s.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return segment.PublishedTo
}

func TestPublishedSegmentKeepsItsName(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	for _, to := range []string{"site/shop", "partner/dsp", "site/shop"} {
		if err := s.Publish("one", to); err != nil {
			t.Fatal(err)
		}
	}
	if got := destinations(t, s, "one"); !slices.Equal(got, []string{"partner/dsp", "site/shop"}) {
		t.Errorf("published to %v", got)
	}
	if err := s.Delete("one"); !errors.Is(err, ErrPublished) {
		t.Errorf("deleted: %v", err)
	}
	if err := s.Rename("one", "two"); !errors.Is(err, ErrPublished) {
		t.Errorf("renamed: %v", err)
	}
	if _, err := s.Save(Segment{Name: "one", Expression: "b"}, true); err != nil || len(destinations(t, s, "one")) != 2 {
		t.Errorf("another expression: %v, published to %v", err, destinations(t, s, "one"))
	}
	if _, err := s.Copy("one", "copy"); err != nil || len(destinations(t, s, "copy")) != 0 {
		t.Errorf("copied: %v, published to %v", err, destinations(t, s, "copy"))
	}
	for _, to := range []string{"site/shop", "partner/dsp"} {
		if err := s.Unpublish("one", to); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Rename("one", "two"), s.Delete("two")); err != nil {
		t.Error(err)
	}
}

func TestPublishRefuses(t *testing.T) {
	s := openShelf(t)
	save(t, s, "one", "a")
	for _, to := range []string{"", "shop", "site/", "partner/", "site/Shop", "source/x", "site/a b"} {
		if err := s.Publish("one", to); !errors.Is(err, ErrBadName) {
			t.Errorf("published to %q: %v", to, err)
		}
	}
	if err := s.Publish("none", "site/shop"); !errors.Is(err, ErrUnknown) {
		t.Errorf("published a segment that is none: %v", err)
	}
	if err := s.Unpublish("one", "site/shop"); !errors.Is(err, ErrNotPublished) {
		t.Errorf("unpublished: %v", err)
	}
}

func TestPublishedAreBounded(t *testing.T) {
	s := openShelf(t)
	err := s.documents.Edit(func(edit *storage.Edit) (err error) {
		for i := range MaxPublished {
			name := fmt.Sprintf("s%d", i)
			err = errors.Join(err, put(edit, Kind, name, Segment{Name: name, Expression: "a", PublishedTo: []string{"site/shop"}}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, "one", "a")
	if err := s.Publish("one", "site/shop"); !errors.Is(err, ErrPublished) {
		t.Errorf("one more than the most: %v", err)
	}
	if err := s.Publish("s7", "partner/dsp"); err != nil {
		t.Errorf("a second destination costs nothing: %v", err)
	}
}
