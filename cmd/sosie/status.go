package main

import (
	"encoding/json"
	"errors"
)

// status shows the board.
type status struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help is shown by sosie status --help.
func (status) Help() string {
	return `Shows what the answers are true of, users and labels, robots by behaviour, how far folding is behind the log, how long hits wait until they are durable, memory, disk, alerts, and what became of the pixel's hits since the server started. Safe to paste: it names no user and no address of one.

  sosie status
  sosie status --json | jq .store.users`
}

// Run prints the board.
func (s *status) Run(c *console) (err error) {
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	now, err := engine.Status(c)
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(c.out).Encode(now)
	}
	return c.printf("%s", now.Board())
}
