// Command sosie is the command line: one file per verb, each of which asks the
// package dmp. Only this package prints and exits.
//
// Exit codes: 0 done, 1 failed, 2 the question was wrong (usage, configuration
// of the call, or a segment expression).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

	"sosie/dmp"
	"sosie/dmp/access"
)

const description = `Sosie tags anonymous cookies with interest labels through a pixel, counts segments of them exactly, and exports them.

A running server is reached through a socket in the data directory; without one, a command opens the directory itself.

  sosie demo                                        see it work, in a directory of its own
  sosie serve --config sosie.yaml                   answer the pixel
  sosie segment count 'interest/tennis within 7d'   how many users
  sosie import --format csv --id-space crm FILE     events in from a file
  sosie export 'interest/*' --out users.csv.gz      who, by pseudonym
  sosie dump /backup/today                          everything, in open formats
  sosie status                                      how it is doing

Exit codes: 0 done, 1 failed, 2 the question was wrong.`

// cli is the whole command line: the verbs, and the flags that all share.
type cli struct {
	place

	Serve   serve      `cmd:"" help:"Answer the pixel's hits, and the questions of other commands."`
	Reload  reload     `cmd:"" help:"Have the server read sites, rules and labels of its configuration again."`
	Label   label      `cmd:"" help:"List labels, or end one."`
	Rule    rule       `cmd:"" help:"Try the rules that turn pages into labels."`
	Segment segment    `cmd:"" help:"Ask about a segment of users."`
	Token   token      `cmd:"" help:"Say who may ask at the doors."`
	Import  importVerb `cmd:"" help:"Bring events in from files."`
	Export  exportVerb `cmd:"" help:"Write the users of a segment to a file."`
	Erase   erase      `cmd:"" help:"Take users out of every answer, and off the disk."`
	Dump    dumpVerb   `cmd:"" help:"Write everything into a directory that needs no Sosie to be read."`
	Restore restore    `cmd:"" help:"Make a data directory out of a dump."`
	Status  status     `cmd:"" help:"Show how the store and the pixel are doing."`
	Doctor  doctor     `cmd:"" help:"Check the store against itself, or look for what is left of a user."`
	Demo    demo       `cmd:"" help:"Fill a store with made-up visitors through the real pixel, and show what to try."`
	Bench   bench      `cmd:"" help:"Measure this machine, each figure beside its floor."`
	Alert   alertVerb  `cmd:"" help:"Try the webhook that alerts go to."`
	Health  health     `cmd:"" help:"Ask the pixel whether it answers; for container health checks."`
	Keys    keys       `cmd:"" help:"Rotate the keys that seal cookies."`
	Clock   clock      `cmd:"" help:"Confirm the clock after it jumped."`
	Version version    `cmd:"" help:"Print the version."`
}

// console is where a verb reads and speaks, and how it is told to end.
type console struct {
	context.Context
	place    *place
	out, err io.Writer
}

func (c *console) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format, args...)
	return err
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run does what the arguments say and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	var root cli
	ended := -1
	parser, err := kong.New(&root, kong.Name("sosie"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Vars{"default_data": dmp.DefaultData, "default_listen": dmp.DefaultListen, "default_office": dmp.DefaultOffice,
			"max_labels": strconv.Itoa(dmp.DefaultMaxLabels), "max_errors": strconv.Itoa(dmp.DefaultMaxErrors)},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Exit(func(code int) { ended = code }))
	if err != nil {
		return report(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if ended >= 0 { // --help printed itself
		return ended
	}
	if err != nil {
		return report(stderr, err)
	}
	return report(stderr, command.Run(&console{Context: ctx, place: &root.place, out: stdout, err: stderr}))
}

// report prints an error and the way out, and returns its exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "sosie: %v\n", err)
	usage := (*kong.ParseError)(nil)
	switch hint := dmp.Hint(err); {
	case hint != "":
		fmt.Fprintf(stderr, "hint: %s\n", hint)
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "hint: `sosie --help` lists the commands, `sosie COMMAND --help` explains one.")
	}
	if usage != nil || errors.Is(err, dmp.ErrExpression) || errors.Is(err, dmp.ErrIDSpace) || errors.Is(err, dmp.ErrSegment) || errors.Is(err, dmp.ErrSite) || errors.Is(err, dmp.ErrRequest) || errors.Is(err, access.ErrBadGrant) || errors.Is(err, access.ErrUnknown) || errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// errUsage means arguments that are wrong together or in this place.
var errUsage = errors.New("wrong usage")
