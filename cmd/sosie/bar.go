package main

import (
	"io"
	"os"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows progress on a terminal, and nothing elsewhere.
type bar struct{ *progressbar.ProgressBar }

// newBar begins a bar up to a total; -1 means that nobody knows it.
func newBar(w io.Writer, what string, total int64, options ...progressbar.Option) bar {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return bar{progressbar.DefaultSilent(max(total, 1))}
	}
	return bar{progressbar.NewOptions64(total, append(options, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())...)}
}

// chunks shows how far an export is.
func (b bar) chunks(done, total int, users uint64) {
	b.ChangeMax(total)
	b.Describe(humanize.Comma(int64(users)) + " users")
	_ = b.Set(done) // a terminal that went away is no reason to stop
}

// files shows how far a dump is, out or in.
func (b bar) files(done, total int, _ uint64) {
	b.ChangeMax(total)
	b.Describe("file " + strconv.Itoa(done+1) + " of " + strconv.Itoa(total))
	_ = b.Set(done)
}

// bytes shows how far a file has been read, with the rate and the time left.
func (b bar) bytes(done int64, rows uint64) {
	b.Describe(humanize.Comma(int64(rows)) + " rows")
	_ = b.Set64(done)
}

func (b bar) end() { _ = b.Finish() }
