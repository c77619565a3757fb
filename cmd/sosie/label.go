package main

import "sosie/dmp"

// label holds the verbs of labels.
type label struct {
	List   labelList   `cmd:"" help:"List labels, and show which went silent or doubled."`
	Delete labelDelete `cmd:"" help:"End a label: nobody carries it any more."`
}

// labelDelete ends a label.
type labelDelete struct {
	Name string `arg:"" help:"Name of a label."`
}

// Help is shown by sosie label delete --help.
func (labelDelete) Help() string {
	return `Segments that name the label go on without it, with a warning. A label that is declared later under the same name begins empty. One that the configuration file declares must be taken out there first.

  sosie label delete interest/golf`
}

// Run deletes the label.
func (l *labelDelete) Run(c *console) error {
	return c.asking(func(engine dmp.Engine) error { return engine.DeleteLabel(c, l.Name) })
}
