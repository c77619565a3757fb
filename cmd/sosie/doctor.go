package main

import (
	"encoding/json"
	"errors"

	"sosie/dmp"
)

// doctor examines a store.
type doctor struct {
	Find string `help:"Instead, say where a user still stands: SPACE:ID, or a pseudonym as in exports." placeholder:"USER"`
	JSON bool   `name:"json" help:"Print a JSON object."`
}

// Help is shown by sosie doctor --help.
func (doctor) Help() string {
	return `Checks a store against itself: every byte of its files against their checksums, every value against its own, the log behind the cursor, any time against the days, labels against the population, ids both ways, and the keys. What is wrong comes with what to do; the exit code is then 1.

Files can be checked only while no server runs. A running server is asked to check the rest; it looked at every byte of its files when it opened them, and refuses to start where a bit has flipped.

With --find it opens every table and every write-ahead file, and looks at every version of every key, deleted ones too, and at the log, for what is left of a user; then for the bytes of the id in every file. After an erasure and a purge only the mask of the erased names the user, by number. The exit code is 1 when a file could not be read.

  sosie doctor
  sosie doctor --data /var/lib/sosie --json
  sosie doctor --find crm:4711`
}

// errUnhealthy means that something is wrong, which has been printed.
var errUnhealthy = errors.New("the store is not healthy")

// Run examines the store, or looks for a user.
func (d *doctor) Run(c *console) error {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	if d.Find != "" {
		found, err := dmp.Find(c, config, d.Find)
		if err != nil {
			return err
		}
		if err := d.show(c, found, found.Board()); err != nil {
			return err
		}
		if len(found.Skipped) > 0 {
			return errUnhealthy
		}
		return nil
	}
	diagnosis, err := dmp.Diagnose(c, config)
	if err != nil {
		return err
	}
	if err := d.show(c, diagnosis, diagnosis.Board()); err != nil {
		return err
	}
	if !diagnosis.OK() {
		return errUnhealthy
	}
	return nil
}

func (d *doctor) show(c *console, answer any, board string) error {
	if d.JSON {
		return json.NewEncoder(c.out).Encode(answer)
	}
	return c.printf("%s", board)
}
