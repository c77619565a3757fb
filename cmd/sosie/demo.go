package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/audience/export"
	"sosie/dmp"
	visitors "sosie/dmp/demo"
)

// demo shows the whole house at work.
type demo struct {
	Users  int    `help:"Visitors to make up." default:"3000"`
	Seed   uint64 `help:"Seed of the visitors." default:"1"`
	Listen string `help:"Address the pixel answers on." default:"127.0.0.1:0" placeholder:"ADDRESS"`
	Serve  bool   `help:"Go on serving afterwards, until Ctrl-C."`
}

// Help is shown by sosie demo --help.
func (demo) Help() string {
	return `Makes up visitors of three sites who browse through the real pixel over HTTP, counts segments of them, checks the counts against what the visitors know, exports one, and prints what to try next. Uses a new directory below the system's temporary one, or the --data directory, which must not hold a store yet.

  sosie demo
  sosie demo --users 20000 --data ./demo/data --serve`
}

// demoSegment is what the demo exports.
const demoSegment = "interest/tennis"

// Run plays the demo.
func (d *demo) Run(c *console) (err error) {
	if d.Users < 1 {
		return fmt.Errorf("play demo: %w: --users is %d: want 1 or more", errUsage, d.Users)
	}
	config, file, err := d.prepare(c)
	if err != nil {
		return err
	}
	house, err := dmp.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()

	ctx, stop := context.WithCancel(c)
	defer stop()
	ready, served := make(chan string, 1), make(chan error, 1)
	go func() {
		served <- house.Serve(ctx, func(pixel net.Addr) { ready <- "http://" + pixel.String() })
	}()
	select {
	case pixel := <-ready:
		err = d.play(c, house, config, file, pixel)
	case err = <-served:
		return err
	}
	if err != nil || !d.Serve {
		stop()
	}
	return errors.Join(err, <-served)
}

// prepare chooses the directories and writes the configuration file beside the
// data, so that the commands printed at the end find everything.
func (d *demo) prepare(c *console) (config dmp.Config, file string, err error) {
	if c.place.Config != "" {
		return config, "", fmt.Errorf("play demo: %w: it has a configuration of its own: leave --config out", errUsage)
	}
	data := c.place.Data
	if data == "" {
		root, err := os.MkdirTemp("", "sosie-demo-")
		if err != nil {
			return config, "", err
		}
		data = filepath.Join(root, "data")
	}
	if data, err = filepath.Abs(data); err != nil {
		return config, "", err
	}
	if _, err := os.Stat(filepath.Join(data, "store.json")); err == nil {
		return config, "", &dmp.Error{Op: "play demo", Object: data, Err: errors.New("there is a store already"),
			Hint: "Name a new directory with --data, or leave it out."}
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return config, "", err
	}
	text := fmt.Sprintf("data: %q\nlisten: %s\n", data, dmp.DefaultListen)
	if c.place.Keys != "" {
		text += fmt.Sprintf("keys: %q\n", c.place.Keys)
	}
	text += "\n" + visitors.Configuration
	file = data + ".yaml"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return config, "", err
	}
	c.place.Config, c.place.Data = file, data
	config, err = c.place.load()
	config.Listen = d.Listen
	return config, file, err
}

// play sends the visitors, and shows and checks what came of it.
func (d *demo) play(c *console, house *dmp.DMP, config dmp.Config, file, pixel string) error {
	if err := c.printf("%s visitors of three sites browse through %s/p.gif …\n", humanize.Comma(int64(d.Users)), pixel); err != nil {
		return err
	}
	begin := time.Now()
	bar := newBar(c.err, "visitors", 1)
	truth, err := visitors.Browse(c, visitors.Options{Pixel: pixel, Users: d.Users, Seed: d.Seed,
		Progress: func(done, total int) { bar.chunks(done, total, uint64(done)) }})
	bar.end()
	if err != nil {
		return err
	}
	took := time.Since(begin)
	if err := c.printf("%s hits in %s, each durable before it was answered\n\n%10s %10s\n", humanize.Comma(int64(truth.Hits)),
		took.Round(time.Millisecond), "counted", "expected"); err != nil {
		return err
	}
	wrong := 0
	for _, e := range truth.Expectations() {
		n, err := house.Count(c, e.Expression)
		if err != nil {
			return err
		}
		verdict := ""
		if n.Count != e.Count {
			wrong++
			verdict = "   WRONG"
		}
		if err := c.printf("%10s %10s   %s%s\n", humanize.Comma(int64(n.Count)), humanize.Comma(int64(e.Count)), e.Expression, verdict); err != nil {
			return err
		}
	}
	out := config.Data + ".tennis.csv"
	result, err := exportTo(c, house, demoSegment, out)
	if err != nil {
		return err
	}
	if result.Names != truth.Exportable(demoSegment) {
		wrong++
	}
	status, err := house.Status(c)
	if err != nil {
		return err
	}
	if err := c.printf("\nexported %s users to %s\n\n%s\n%s", humanize.Comma(int64(result.Names)), out, status.Board(), d.next(config, file)); err != nil {
		return err
	}
	if wrong > 0 {
		return &dmp.Error{Op: "check", Object: "demo", Err: fmt.Errorf("%d answers differ from what the visitors know", wrong)}
	}
	return nil
}

func exportTo(c *console, house *dmp.DMP, expression, path string) (dmp.Export, error) {
	file, err := export.Create(path)
	if err != nil {
		return dmp.Export{}, err
	}
	defer file.Abort()
	result, err := house.Export(c, dmp.ExportRequest{Expression: expression}, file, nil)
	if err != nil {
		return result, err
	}
	return result, file.Commit()
}

// next are commands to copy.
func (d *demo) next(config dmp.Config, file string) string {
	sosie := "sosie"
	if self, err := os.Executable(); err == nil {
		sosie = self
		if strings.Contains(self, "go-build") { // made by go run, gone afterwards
			sosie = "go run ./cmd/sosie"
		}
	}
	at := "--data " + quoted(config.Data)
	if config.Keys != (dmp.Config{Data: config.Data}).WithDefaults().Keys {
		at += " --keys " + quoted(config.Keys)
	}
	lines := []string{
		"segment count 'interest/tennis and not bought/racket' " + at,
		"segment count '(place/italy or interest/cooking) within 7d' --json " + at,
		"export 'bought/*' --out buyers.ndjson.gz " + at,
		"status " + at,
		"segment count --help",
	}
	if !d.Serve {
		lines = append(lines, "serve --config "+quoted(file))
	}
	var b strings.Builder
	b.WriteString("What to try next")
	if d.Serve {
		b.WriteString(", in another terminal (Ctrl-C here ends the server)")
	}
	b.WriteString(":\n\n")
	for _, line := range lines {
		fmt.Fprintf(&b, "  %s %s\n", sosie, line)
	}
	return b.String()
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(plainRunes, r) }) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

const plainRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%"
