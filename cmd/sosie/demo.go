package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	return `Makes up visitors of five sites, who browse through the real pixel over HTTP. What the members of one did in the past weeks is imported from a file. Counts segments of them, checks the counts against what the visitors know, exports one, and prints what to try next. Uses a new directory below the system's temporary one, or the --data directory, which must not hold a store yet.

With --serve it goes on until Ctrl-C, serves a news page and a shop with the tag on them, to look at, and prints how to ask at the back office and the partner door.

  sosie demo
  sosie demo --users 20000 --data ./demo/data --serve`
}

// Run plays the demo.
func (d *demo) Run(c *console) (err error) {
	if d.Users < 1 {
		return fmt.Errorf("play demo: %w: --users is %d: want 1 or more", errUsage, d.Users)
	}
	secret := rand.Text()
	config, file, err := d.prepare(c, secret)
	if err != nil {
		return err
	}
	house, err := dmp.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.Close()) }()

	doors, closeDoors, err := doorsOf(house, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDoors()) }()

	ctx, stop := context.WithCancel(c)
	defer stop()
	ready, served := make(chan dmp.Addresses, 1), make(chan error, 1)
	go func() {
		served <- house.ServeDoors(ctx, doors, func(at dmp.Addresses) { ready <- at })
	}()
	select {
	case at := <-ready:
		err = d.play(c, &stage{house: house, config: config, file: file, pixel: "http://" + at.Pixel.String(), at: at, secret: secret,
			crowd: visitors.NewPopulation(d.Users, d.Seed, time.Now())})
	case err = <-served:
		return err
	}
	if err != nil || !d.Serve {
		stop()
	}
	if err := errors.Join(err, <-served); err != nil || !d.Serve {
		return err
	}
	return c.printf("stopped; %s, %s and %s are left to remove, or to serve again\n", config.Data, config.Keys, file)
}

// prepare chooses the directories and writes the configuration file beside the
// data, so that the commands printed at the end find everything.
func (d *demo) prepare(c *console, secret string) (config dmp.Config, file string, err error) {
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
	text += "\n" + visitors.Configuration(secret)
	file = data + ".yaml"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return config, "", err
	}
	c.place.Config, c.place.Data = file, data
	config, err = c.place.load()
	return d.doors(config), file, err
}

// play brings everybody in, shows and checks what came of it, and says what to try.
func (d *demo) play(c *console, s *stage) error {
	// Today first: to a store that holds nothing but the past the clock seems to
	// have jumped.
	if err := s.browse(c); err != nil {
		return err
	}
	if err := s.remember(c); err != nil {
		return err
	}
	wrong, err := s.check(c)
	if err != nil {
		return err
	}
	if err := s.publish(c); err != nil {
		return err
	}
	status, err := s.house.Status(c)
	if err != nil {
		return err
	}
	if err := c.printf("\n%s\n", status.Board()); err != nil {
		return err
	}
	if wrong > 0 {
		return &dmp.Error{Op: "check", Object: "demo", Err: fmt.Errorf("%d answers differ from what the visitors know", wrong)}
	}
	if d.Serve {
		if err := s.servePages(c); err != nil {
			return err
		}
		if err := s.showDoors(c); err != nil {
			return err
		}
	}
	return c.printf("%s", d.next(s))
}

// next are commands to copy.
func (d *demo) next(s *stage) string {
	sosie := "sosie"
	if self, err := os.Executable(); err == nil {
		sosie = self
		if strings.Contains(self, "go-build") { // made by go run, gone afterwards
			sosie = "go run ./cmd/sosie"
		}
	}
	at := "--data " + quoted(s.config.Data)
	if s.config.Keys != (dmp.Config{Data: s.config.Data}).WithDefaults().Keys {
		at += " --keys " + quoted(s.config.Keys)
	}
	lines := []string{
		"segment count 'interest/tennis and not bought/racket' " + at,
		"segment count '(place/italy or interest/cooking) within 7d' --json " + at,
		"segment show " + fans + " " + at,
		"segment affinity 'segment(" + fans + ")' " + at,
		"segment overlap 'segment(" + fans + ")' bought/racket page/cart " + at,
		"segment size interest/travel --by day " + at,
		"export 'bought/*' --out buyers.ndjson.gz " + at,
		"label list " + at,
		"status " + at,
		"segment count --help",
	}
	if !d.Serve {
		lines = append(lines, "serve --config "+quoted(s.file), "demo --serve")
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
