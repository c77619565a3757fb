package main

import "errors"

// clock holds the verbs about the clock.
type clock struct {
	Confirm confirm `cmd:"" help:"Say that the clock is right."`
}

// confirm lets deletion by retention go on after the clock jumped.
type confirm struct{}

// Help is shown by sosie clock confirm --help.
func (confirm) Help() string {
	return `Deletion by retention follows the newest day in the log. When the clock is more than two days ahead of it, nothing is deleted and status warns: a clock that jumped must not empty the store. When the clock is right, for example after days without a hit, confirm it. What is expired by then is deleted and does not come back.

  sosie status
  sosie clock confirm`
}

// Run confirms the clock.
func (confirm) Run(c *console) (err error) {
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	if err := engine.ConfirmClock(c); err != nil {
		return err
	}
	return c.printf("the clock is right: deletion by retention goes on\n")
}
