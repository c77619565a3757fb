package main

import "sosie/dmp"

// keys holds the verbs about keys.
type keys struct {
	Rotate rotate `cmd:"" help:"Make a new key that seals cookies from now on."`
}

// rotate makes a new cookie key.
type rotate struct{}

// Help is shown by sosie keys rotate --help.
func (rotate) Help() string {
	return `Cookies of earlier keys still open, and are sealed again at their next hit. The last eight keys are kept: rotate every 60 days or less often and no living cookie is lost. The keys of partners' pseudonyms never rotate. A running server takes the new key when it is started again. Back up the keys directory afterwards.

  sosie keys rotate --data /var/lib/sosie`
}

// Run rotates the key.
func (rotate) Run(c *console) error {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	if err := dmp.RotateKeys(config); err != nil {
		return err
	}
	return c.printf("cookies are sealed with a new key of %s; restart the server, and back up the directory\n", config.Keys)
}
