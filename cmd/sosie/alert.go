package main

import "sosie/dmp"

// alertVerb holds the verbs of alerts.
type alertVerb struct {
	Test alertTest `cmd:"" help:"Send a test to the webhook."`
}

// alertTest sends a test.
type alertTest struct{}

// Help is shown by sosie alert test --help.
func (alertTest) Help() string {
	return `Sends one message to alerts.webhook of the configuration file, with a test in it, and says how it was answered. The messages of a server look the same: a JSON object with the store, the time, and a list of what began (firing) and what ended (resolved): disk, store, label, certificate.

  sosie alert test --config sosie.yaml`
}

// Run sends it.
func (alertTest) Run(c *console) error {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	if err := dmp.TestAlert(c, config); err != nil {
		return err
	}
	return c.printf("the webhook took the test\n")
}
