package main

import (
	"errors"

	"sosie/dmp"
)

// segmentUsers lists users.
type segmentUsers struct {
	Expression string `arg:"" help:"Segment expression, in quotes for the shell."`
	Limit      uint64 `help:"How many names to list; 0 lists all." default:"20"`
	IDSpace    string `name:"id-space" help:"Name users by their ids in this space. Default: the pseudonyms of the partner file." placeholder:"NAME"`
}

// Help is shown by sosie segment users --help.
func (segmentUsers) Help() string {
	return `One name a line, for a look or a pipe; sosie export writes files. Opted-out and erased users and robots are left out. The cookie's value never leaves the browser.

  sosie segment users 'interest/tennis within 7d'
  sosie segment users 'bought/*' --id-space crm --limit 0`
}

// errEnough ends an export that has told as much as was asked.
var errEnough = errors.New("that is enough")

// lines prints names until there are enough.
type lines struct {
	c     *console
	limit uint64
	n     uint64
}

// Write prints one name.
func (l *lines) Write(name []byte) error {
	if l.limit > 0 && l.n == l.limit {
		return errEnough
	}
	l.n++
	return l.c.printf("%s\n", name)
}

// Run prints the names.
func (s *segmentUsers) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error {
		out := &lines{c: c, limit: s.Limit}
		_, err := engine.Export(c, dmp.ExportRequest{Expression: s.Expression, IDSpace: s.IDSpace}, out, nil)
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
}
