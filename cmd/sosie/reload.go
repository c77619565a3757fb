package main

import (
	"errors"
	"fmt"
	"strings"

	"sosie/dmp"
)

// reload has the running server read its configuration again.
type reload struct{}

// Help is shown by sosie reload --help.
func (reload) Help() string {
	return `Puts sites, their rules and labels in place without a restart, and a certificate whose files have changed. Everything else in the file is fixed while the server runs: where it changed, nothing is reloaded, and the command says what it was. A label that the file no longer names stays; sosie label delete ends it.

  sosie reload --data /var/lib/sosie`
}

// Run asks the server, and no other.
func (*reload) Run(c *console) (err error) {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	client, err := dmp.Dial(c, config.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	done, err := client.Reload(c)
	if err != nil {
		return err
	}
	return c.printf("%s\n", reloaded(done))
}

// reloaded says what is in place.
func reloaded(r dmp.Reloaded) string {
	text := fmt.Sprintf("reloaded %d sites and %d labels", r.Sites, r.Labels)
	if len(r.Fresh) > 0 {
		text += ", new: " + strings.Join(r.Fresh, ", ")
	}
	return text
}
