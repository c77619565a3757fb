package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/dmp"
)

// restore makes a store out of a dump.
type restore struct {
	Dir      string `arg:"" help:"Directory that sosie dump has written."`
	Check    bool   `help:"Compare every file with its sum, and end."`
	WithKeys bool   `help:"Take the keys of the dump, for a --keys directory that has none."`
	passphrase
	Gap uint64 `help:"Ordinals to skip. Default: as many as the dump has users, 16,777,216 at least." placeholder:"N"`
}

// Help is shown by sosie restore --help.
func (restore) Help() string {
	return `Makes a new data directory out of a dump; --data must not exist, or be empty. Every sum is checked first. The store keeps its id, so that --keys, the directory of its keys, still belongs to it; beside the keys lies the journal of erasures, and who is in it is erased again before anything can be asked.

A restored store begins a new epoch. Cookies of the users in the dump stay good. A cookie of a user who came after the dump counts as none: he begins anew. New users get numbers far above those that were given out between dump and loss, so that no number ever means two people. If that many more may have come, say how many with --gap.

  sosie restore /backup/2026-11-24 --check
  sosie restore /backup/2026-11-24 --data /var/lib/sosie --keys /etc/sosie/keys
  sosie restore /backup/full --data ./copy --with-keys --passphrase-file /etc/sosie/passphrase`
}

// Run restores or checks.
func (r *restore) Run(c *console) error {
	begin := time.Now()
	bar := newBar(c.err, "restore", 1)
	if r.Check {
		result, err := dmp.CheckDump(c, r.Dir, bar.files)
		bar.end()
		if err != nil {
			return err
		}
		return c.printf("%severy sum is right, in %s\n", contents(result), time.Since(begin).Round(time.Millisecond))
	}
	config, err := c.place.load()
	if err != nil {
		return err
	}
	request := dmp.RestoreRequest{Dir: r.Dir, Gap: r.Gap}
	if r.WithKeys {
		if request.Passphrase, err = r.read(c, false); err != nil {
			return err
		}
	} else if r.PassphraseFile != "" {
		return fmt.Errorf("restore: %w: --passphrase-file is for --with-keys", errUsage)
	}
	result, err := dmp.RestoreDump(c, config, request, bar.files)
	bar.end()
	if err != nil {
		return err
	}
	if result.KeysRecovered {
		fmt.Fprintf(c.err, "sosie: the keys are in %s\n", result.Keys)
	}
	if result.Journalled == 0 {
		fmt.Fprintf(c.err, "sosie: %s has no journal of erasures of this store: if users were erased since the dump, erase them again\n", result.Keys)
	}
	comma := func(n int64) string { return humanize.Comma(n) }
	return c.printf("%srestored into %s in %s: epoch %d; %s erasures journalled, %s of them since the dump\ncookies of users below %s stay good, new users begin at %s\n",
		contents(result.Dump), result.Data, time.Since(begin).Round(time.Millisecond), result.Epoch.Number,
		comma(int64(result.Journalled)), comma(int64(result.Erased)), comma(int64(result.Epoch.Mark)), comma(int64(result.Epoch.Start)))
}
