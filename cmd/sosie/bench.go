package main

import (
	"context"
	"os"
	"time"

	benchmark "sosie/bench"
	"sosie/dmp"
)

// bench holds the benchmarks: each is one function of the package bench, and
// its options are the flags.
type bench struct {
	Pixel   benchPixel   `cmd:"" help:"The ladder of a hit, from a bare handler to durable."`
	Segment benchSegment `cmd:"" help:"Exact counts, beside the same by hand on roaring bitmaps."`
	Storage benchStorage `cmd:"" help:"Filling, opening and publishing a store, beside raw fdatasync."`
	Replay  benchReplay  `cmd:"" help:"A real access log, sent through the pixel by clients with cookie jars."`
	Dump    benchDump    `cmd:"" help:"Dumps of a big store while hits come in, and what they do to the hits."`
	Partner benchPartner `cmd:"" help:"Membership answers of the partner door, alone and beside hits."`
	Soak    benchSoak    `cmd:"" help:"Random returning cookies over a big store, with counts, exports and a midnight."`
	Serve   benchServe   `cmd:"" hidden:"" help:"The server process that the benchmarks start."`
}

// Help is shown by sosie bench --help.
func (bench) Help() string {
	return `Every figure stands beside its floor, measured in the same run: a bare fasthttp handler, raw fdatasync, the same operations by hand on roaring bitmaps. Trust the ratios. With --json only JSON goes to standard output.

  sosie bench pixel
  sosie bench segment --users 2000000
  sosie bench storage --users 100000 --days 395 --json
  sosie bench storage --users 10000000 --keep ./big && sosie bench soak --data ./big --users 10000000 --duration 10m`
}

type (
	benchPixel   struct{ benchmark.PixelOptions }
	benchSegment struct{ benchmark.SegmentOptions }
	benchStorage struct{ benchmark.StorageOptions }
	benchReplay  struct{ benchmark.ReplayOptions }
	benchPartner struct{ benchmark.PartnerOptions }
	benchServe   struct{}
)

// Run measures.
func (b *benchPixel) Run(c *console) error {
	defer watch(&b.Output)()
	return benchmark.Pixel(c, b.PixelOptions, c.out)
}

// Run measures.
func (b *benchSegment) Run(c *console) error {
	defer watch(&b.Output)()
	return benchmark.Segment(c, b.SegmentOptions, c.out)
}

// Run measures.
func (b *benchStorage) Run(c *console) error {
	defer watch(&b.Output)()
	return benchmark.Storage(c, b.StorageOptions, c.out)
}

// Run measures.
func (b *benchPartner) Run(c *console) error {
	defer watch(&b.Output)()
	return benchmark.Partner(c, b.PartnerOptions, c.out)
}

// Help is shown by sosie bench replay --help.
func (benchReplay) Help() string {
	return `Start a server on an empty store first, with the labels that --print-labels prints and the site's without_signal: collect. The counts of its --data directory are then compared with a brute-force program over the same log.

  sosie bench replay --log access.tsv.gz --print-labels
  sosie bench replay --log access.tsv.gz --data ./replay/data`
}

// Run replays the log, and compares the counts when a server runs on the data
// directory.
func (b *benchReplay) Run(c *console) error {
	defer watch(&b.Output)()
	if !b.PrintLabels {
		config, err := c.place.load()
		if err != nil {
			return err
		}
		server, err := dmp.Dial(c, config.Data)
		if err != nil {
			return err
		}
		defer server.Close()
		b.Count = func(ctx context.Context, expression string) (uint64, error) {
			n, err := server.Count(ctx, expression)
			return n.Count, err
		}
	}
	return benchmark.Replay(c, b.ReplayOptions, c.out)
}

// benchSoak has the options of benchmark.Soak; its data and memory are the flags
// that all verbs have.
type benchSoak struct {
	benchmark.Shape
	benchmark.Output
	Dir         string        `help:"Directory for what is made on the way. Default: the one for temporary files." placeholder:"DIR"`
	Duration    time.Duration `help:"How long to send hits." default:"30s"`
	Rate        int           `help:"Hits a second; 0 means as many as are answered." default:"0"`
	Connections int           `help:"Keep-alive connections." default:"256"`
	Every       time.Duration `help:"Time between samples, each with two counts." default:"1s"`
	ExportEvery time.Duration `help:"Time between exports of the ten-label segment." default:"30s"`
	NewPercent  int           `help:"Hits of new browsers, in percent." default:"0"`
	CSV         string        `name:"csv" help:"File for the samples." placeholder:"FILE"`
	Plot        string        `help:"Path of the drawing, without .png and .svg." placeholder:"PATH"`
}

// Help is shown by sosie bench soak --help.
func (benchSoak) Help() string {
	return `--data names a directory that bench storage --keep has filled; without it one is made with the given population. --memory is the budget of the server.`
}

// Run soaks.
func (b *benchSoak) Run(c *console) error {
	defer watch(&b.Output)()
	return benchmark.Soak(c, benchmark.SoakOptions{
		Shape: b.Shape, Output: b.Output, Data: c.place.Data, Dir: b.Dir, Duration: b.Duration, Rate: b.Rate,
		Connections: b.Connections, Memory: int64(c.place.Memory), Every: b.Every, ExportEvery: b.ExportEvery,
		NewPercent: b.NewPercent, CSV: b.CSV, Plot: b.Plot,
	}, c.out)
}

// benchDump has the options of benchmark.Dump; its data and memory are the flags
// that all verbs have.
type benchDump struct {
	benchmark.Shape
	benchmark.Output
	Dir         string        `help:"Directory for the dumps. Default: the one for temporary files." placeholder:"DIR"`
	Rate        int           `help:"Hits a second that the pixel answers meanwhile." default:"2000"`
	Connections int           `help:"Keep-alive connections." default:"64"`
	Quiet       time.Duration `help:"How long hits are sent without a dump before each." default:"15s"`
	Rounds      int           `help:"Dumps." default:"3"`
}

// Help is shown by sosie bench dump --help.
func (benchDump) Help() string {
	return `--data names a directory that bench storage --keep has filled; without it one is made with the given population. --memory is the budget of the server.`
}

// Run dumps.
func (b *benchDump) Run(c *console) error {
	defer watch(&b.Output)()
	return benchmark.Dump(c, benchmark.DumpOptions{
		Shape: b.Shape, Output: b.Output, Data: c.place.Data, Dir: b.Dir, Rate: b.Rate,
		Connections: b.Connections, Quiet: b.Quiet, Rounds: b.Rounds, Memory: int64(c.place.Memory),
	}, c.out)
}

// Run serves what standard input asks for.
func (benchServe) Run(c *console) error { return benchmark.Serve(c, os.Stdin, c.out) }

// watch shows the steps on a terminal until the returned function is called.
func watch(o *benchmark.Output) (end func()) {
	o.Progress, end = benchmark.TerminalProgress(os.Stderr)
	return end
}
