package main

import (
	"encoding/json"
	"strings"
	"time"

	"sosie/audience/segments"
	"sosie/dmp"
)

// The verbs of saved segments.
type (
	segmentSave struct {
		Name       string `arg:"" help:"Name: a-z, 0-9, _ and -, at most 64."`
		Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
		Owner      string `help:"Whose segment it is."`
		Folder     string `help:"Where it belongs, such as clients/acme."`
		Note       string `help:"What one should know of it."`
		Replace    bool   `help:"Put it in place of the segment that has the name."`
	}
	segmentList struct {
		Folder string `help:"Only those in this folder, and below it."`
		JSON   bool   `name:"json" help:"Print a JSON list."`
	}
	segmentShow struct {
		Name string `arg:"" help:"Name of a saved segment."`
		JSON bool   `name:"json" help:"Print one JSON object."`
	}
	segmentCopy struct {
		From string `arg:"" help:"Name of a saved segment."`
		To   string `arg:"" help:"Name of the copy."`
	}
	segmentRename struct {
		From string `arg:"" help:"Name of a saved segment."`
		To   string `arg:"" help:"Its new name."`
	}
	segmentDelete struct {
		Name string `arg:"" help:"Name of a saved segment."`
	}
)

// Help is shown by sosie segment save --help.
func (segmentSave) Help() string {
	return `A segment is a formula, not a stored result: it is counted anew whenever it is asked, also as a part of others. Its size is noted once a day while a server runs, and when it is saved.

  sosie segment save buyers 'bought/* within 30d' --owner ana --note 'for the spring campaign'
  sosie segment save prospects 'interest/tennis and not segment(buyers)'
  sosie segment count 'segment(prospects)'`
}

// Run saves a segment.
func (s *segmentSave) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		saved, err := engine.SaveSegment(c, segments.Segment{Name: s.Name, Expression: s.Expression, Owner: s.Owner, Folder: s.Folder, Note: s.Note}, s.Replace)
		if err != nil {
			return err
		}
		return c.printf("%s: %s\n%s\n", saved.Name, saved.Expression, lastSize(saved))
	})
}

// lastSize says how large a segment was when it was measured last.
func lastSize(s dmp.SavedSegment) string {
	if len(s.Sizes) == 0 {
		return "not measured yet"
	}
	last := s.Sizes[len(s.Sizes)-1]
	return comma(last.Users) + " users on " + last.Day.String()
}

// Run lists segments.
func (s *segmentList) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		all, err := engine.Segments(c)
		if err != nil {
			return err
		}
		shown := []dmp.SavedSegment{}
		for _, segment := range all {
			if s.Folder == "" || segment.Folder == s.Folder || strings.HasPrefix(segment.Folder, strings.TrimSuffix(s.Folder, "/")+"/") {
				shown = append(shown, segment)
			}
		}
		if s.JSON {
			return json.NewEncoder(c.out).Encode(shown)
		}
		if len(shown) == 0 {
			return c.printf("no saved segments; `sosie segment save NAME EXPRESSION` keeps one\n")
		}
		t := newTable("name", "users", "on", "published to", "folder", "owner", "expression")
		for _, segment := range shown {
			users, on := "", ""
			if n := len(segment.Sizes); n > 0 {
				users, on = comma(segment.Sizes[n-1].Users), segment.Sizes[n-1].Day.String()
			}
			t.add(segment.Name, users, on, strings.Join(segment.PublishedTo, " "), segment.Folder, segment.Owner, segment.Expression)
		}
		return c.printf("%s", t)
	})
}

// Run shows a segment.
func (s *segmentShow) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		segment, err := engine.Segment(c, s.Name)
		if err != nil {
			return err
		}
		if s.JSON {
			return json.NewEncoder(c.out).Encode(segment)
		}
		t := newTable("segment", segment.Name)
		t.add("expression", segment.Expression)
		for _, row := range [][2]string{{"owner", segment.Owner}, {"folder", segment.Folder}, {"note", segment.Note}, {"published to", strings.Join(segment.PublishedTo, ", ")}} {
			if row[1] != "" {
				t.add(row[0], row[1])
			}
		}
		t.add("created", segment.Created.Format(time.RFC3339))
		t.add("changed", segment.Changed.Format(time.RFC3339))
		if len(segment.Sizes) == 0 {
			return c.printf("%s", t)
		}
		return c.printf("%s\n%s", t, sizesTable(segment.Sizes))
	})
}

// Run copies a segment.
func (s *segmentCopy) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		copied, err := engine.CopySegment(c, s.From, s.To)
		if err != nil {
			return err
		}
		return c.printf("%s: %s\n%s\n", copied.Name, copied.Expression, lastSize(copied))
	})
}

// Run renames a segment.
func (s *segmentRename) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error { return engine.RenameSegment(c, s.From, s.To) })
}

// Run deletes a segment.
func (s *segmentDelete) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error { return engine.DeleteSegment(c, s.Name) })
}
