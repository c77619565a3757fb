package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/dmp"
)

// dumpVerb writes everything into a directory.
type dumpVerb struct {
	Dir      string `arg:"" help:"Directory to make. A server writes it on its own machine, as its own user."`
	WithKeys bool   `help:"Put the keys in too, encrypted with a passphrase."`
	passphrase
}

// Help is shown by sosie dump --help.
func (dumpVerb) Help() string {
	return `Writes everything into files that need no Sosie to be read: labels, documents (saved segments among them) and ids as NDJSON, one portable roaring bitmap for each label and day, masks (opted-out, robot, erased) likewise, a manifest, and SHA256SUMS. All of it is true of one sequence of the log; the server goes on answering meanwhile. The directory takes its name when it is complete: half a dump is never seen. Left out are erased users, cookies, and the claims of the last 24 hours.

The keys are left out too, so that a dump alone names nobody: back them up apart. With --with-keys they go in, encrypted with age; --passphrase-file holds the passphrase, otherwise a terminal asks for it.

  sosie dump /backup/2026-11-24
  sosie dump /backup/full --with-keys --passphrase-file /etc/sosie/passphrase
  sosie restore /backup/2026-11-24 --check
  tar -xOf /backup/2026-11-24/bitmaps/2026-11-24.tar interest/tennis.roaring > tennis.roaring`
}

// Run writes the dump.
func (d *dumpVerb) Run(c *console) (err error) {
	request := dmp.DumpRequest{Dir: d.Dir}
	if d.WithKeys {
		if request.Passphrase, err = d.read(c, true); err != nil {
			return err
		}
	} else if d.PassphraseFile != "" {
		return fmt.Errorf("dump: %w: --passphrase-file is for --with-keys", errUsage)
	}
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	begin := time.Now()
	bar := newBar(c.err, "dump", 1)
	result, err := engine.Dump(c, request, bar.files)
	bar.end()
	if err != nil {
		return err
	}
	return c.printf("%sdumped in %s\n", contents(result), time.Since(begin).Round(time.Millisecond))
}

// contents says what a dump holds.
func contents(d dmp.Dump) string {
	keys := "without the keys: back them up apart"
	if d.Keys {
		keys = "with the keys, encrypted"
	}
	return fmt.Sprintf("%s: store %s, epoch %d, true of sequence %d, day %s, %s\n%s users, %s bits of %d days, %s ids; %d files, %s, %s\n",
		d.Dir, d.Store, d.Epoch, d.Seq, d.Day, d.At.UTC().Format(time.RFC3339),
		humanize.Comma(int64(d.Users)), humanize.Comma(int64(d.Bits)), d.Days, humanize.Comma(int64(d.IDs)), d.Files, dmp.Size(d.Bytes), keys)
}
