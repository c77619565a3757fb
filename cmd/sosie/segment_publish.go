package main

import (
	"strings"

	"sosie/dmp"
)

// The verbs that let others read who is in a segment.
type (
	segmentPublish struct {
		Name string `arg:"" help:"Name of a saved segment."`
		To   string `required:"" help:"A site's key or a partner's name; where both have the name, site/KEY or partner/NAME." placeholder:"SITE|PARTNER"`
	}
	segmentUnpublish struct {
		Name string `arg:"" help:"Name of a saved segment."`
		From string `required:"" aliases:"to" help:"Where it was published." placeholder:"SITE|PARTNER"`
	}
)

// Help is shown by sosie segment publish --help.
func (segmentPublish) Help() string {
	return `A site reads the published segments of its own visitor in the page, or with a token of role site; a partner reads them with a token of role partner. Both learn the segment's name, so it can be neither renamed nor deleted until it is unpublished. Answers are at most 60 seconds old and say what they are true of; who opted out or was erased is in none of them at once.

  sosie segment publish buyers --to shop
  sosie segment publish prospects --to partner/acme-dsp`
}

// Run publishes a segment.
func (s *segmentPublish) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		saved, err := engine.PublishSegment(c, s.Name, s.To)
		if err != nil {
			return err
		}
		return c.printf("%s: %s\npublished to %s\n", saved.Name, lastSize(saved), strings.Join(saved.PublishedTo, ", "))
	})
}

// Run unpublishes a segment.
func (s *segmentUnpublish) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		saved, err := engine.UnpublishSegment(c, s.Name, s.From)
		if err != nil {
			return err
		}
		if len(saved.PublishedTo) == 0 {
			return c.printf("%s: published nowhere\n", saved.Name)
		}
		return c.printf("%s: published to %s\n", saved.Name, strings.Join(saved.PublishedTo, ", "))
	})
}
