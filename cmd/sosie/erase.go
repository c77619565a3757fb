package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"

	"sosie/dmp"
)

// erase takes users out of every answer.
type erase struct {
	Users  []string `arg:"" optional:"" name:"user" help:"Users to erase: SPACE:ID, or a pseudonym as in exports."`
	File   string   `help:"Erase the users that a file names, one a line; - is standard input." placeholder:"FILE"`
	DryRun bool     `help:"Only say whom it would erase."`
	Purge  bool     `help:"Take all erased users off the disk too, now rather than at midnight, and wait for it."`
}

// Help is shown by sosie erase --help.
func (erase) Help() string {
	return `A user is named by an external id, SPACE:ID, or by the pseudonym that exports write without --id-space. An id that several users share erases all of them. It cannot be taken back, and there is no question: see with --dry-run whom it would be.

When the command returns, no count, export or look-up holds the users any more. What the disk has of them (bitmaps, ids, the log, and earlier versions of all these in files) leaves at midnight, or with --purge before the command returns. What is kept is the mask of the erased, numbers alone, so that their cookies bring nothing back; and a journal of those numbers beside the keys, so that a restored dump forgets them again. Back up the keys directory afterwards.

Names that mean nobody are reported, with their line, and the others are erased; the exit code is then 1.

  sosie erase crm:4711
  sosie erase --file leavers.txt --dry-run
  sosie erase --file leavers.txt --purge
  sosie erase --purge                        only take those off the disk who were erased before
  sosie doctor --find crm:4711               look for what is left`
}

// eraseNames is how many names are sent at a time.
const eraseNames = 2000

// Run erases.
func (e *erase) Run(c *console) (err error) {
	names, err := e.names()
	if err != nil {
		return err
	}
	if len(names) == 0 && !e.Purge {
		return fmt.Errorf("%w: name users to erase, or a --file of them", errUsage)
	}
	engine, err := c.reach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	unknown, err := e.erase(c, engine, names)
	if err != nil {
		return err
	}
	if e.Purge && !e.DryRun {
		if err := engine.Purge(c); err != nil {
			return err
		}
		if err := c.printf("erased users are off the disk\n"); err != nil {
			return err
		}
	}
	if unknown > 0 {
		return &dmp.Error{Op: "erase", Object: "users", Err: fmt.Errorf("%d of %d names mean nobody", unknown, len(names)),
			Hint: "Names are SPACE:ID or a pseudonym as in exports; the others are done."}
	}
	return nil
}

// erase erases the names and returns how many of them mean nobody.
func (e *erase) erase(c *console, engine dmp.Engine, names []lineName) (unknown int, err error) {
	users := 0
	for len(names) > 0 {
		n := min(len(names), eraseNames)
		request := dmp.EraseRequest{DryRun: e.DryRun}
		for _, name := range names[:n] {
			request.Names = append(request.Names, name.name)
		}
		result, err := engine.Erase(c, request)
		if err != nil {
			return unknown, err
		}
		for i, found := range result.Names {
			switch {
			case found.Failure != "":
				unknown++
				fmt.Fprintf(c.err, "sosie: %s%s: %s\n", names[i].where, found.Name, found.Failure)
			case e.DryRun || found.Users > 1:
				if err := c.printf("%s: %s\n", found.Name, plural(found.Users, "user")); err != nil {
					return unknown, err
				}
			}
		}
		users += result.Users
		if names = names[n:]; len(names) > 0 {
			continue
		}
		if e.DryRun {
			return unknown, c.printf("would erase %s\n", plural(users, "user"))
		}
		return unknown, c.printf("erased %s: no answer holds them from sequence %d on\n", plural(users, "user"), result.Seq)
	}
	return unknown, nil
}

// lineName is a name and where it stands.
type lineName struct{ name, where string }

// names lists the names of the arguments and of the file.
func (e *erase) names() (names []lineName, err error) {
	for _, name := range e.Users {
		names = append(names, lineName{name: name})
	}
	if e.File == "" {
		return names, nil
	}
	var from io.Reader = os.Stdin
	if e.File != "-" {
		file, err := os.Open(e.File)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	lines := bufio.NewScanner(from)
	for number := 1; lines.Scan(); number++ {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			names = append(names, lineName{name: name, where: fmt.Sprintf("%s:%d: ", e.File, number)})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", e.File, err)
	}
	return names, nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}
