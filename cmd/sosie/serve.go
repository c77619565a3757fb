package main

import (
	"errors"
	"fmt"
	"net"

	"sosie/dmp"
)

// serve answers the pixel.
type serve struct {
	Listen    string `help:"Address the pixel answers on. Default: ${default_listen}." placeholder:"ADDRESS" env:"SOSIE_LISTEN"`
	PublicURL string `name:"public-url" help:"How browsers reach the pixel, such as https://p.example.com." placeholder:"URL" env:"SOSIE_PUBLIC_URL"`
	Log       string `help:"Form of the log on standard error: text or json. Default: text." placeholder:"FORM" enum:",text,json" default:"" env:"SOSIE_LOG"`
	LogLevel  string `name:"log-level" help:"Least that is logged: debug, info, warn or error. Default: info." placeholder:"LEVEL" enum:",debug,info,warn,error" default:"" env:"SOSIE_LOG_LEVEL"`
	Check     bool   `help:"Check the configuration and end."`
}

// Help is shown by sosie serve --help.
func (serve) Help() string {
	return `Serves until SIGINT or SIGTERM, then answers what it has accepted and ends.

The first start makes the data directory and, beside it, the keys that seal cookies. Back up both, apart.

  sosie serve --config sosie.yaml
  sosie serve --config sosie.yaml --check
  sosie serve --data /var/lib/sosie --listen :8080 --memory 4GiB

The log on standard error tells of starts and stops, days, warnings and alerts. It holds no address, agent, URL, cookie or name of a user.`
}

// Run serves until the console says to end.
func (s *serve) Run(c *console) (err error) {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	override(&config.Listen, s.Listen)
	override(&config.PublicURL, s.PublicURL)
	override(&config.Log, s.Log)
	override(&config.LogLevel, s.LogLevel)
	if s.Check {
		if err := config.Check(); err != nil {
			return err
		}
		return c.printf("the configuration is right: %d sites, %d labels, data in %s, keys in %s\n",
			len(config.Sites), len(config.Labels), config.Data, config.Keys)
	}
	d, err := dmp.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	log := config.Logger(c.err)
	d.LogTo(log)
	// People read sentences; who asked for JSON gets nothing else.
	tell := func(format string, args ...any) { fmt.Fprintf(c.err, "sosie: "+format+"\n", args...) }
	if config.Log == dmp.LogJSON {
		tell = func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }
	}
	if d.Fresh() {
		tell("made a new store in %s, and its keys in %s: back up both, apart", config.Data, config.Keys)
	}
	if len(config.Sites) == 0 {
		tell("no site is configured: every hit is answered 403; name sites in a file for --config")
	}
	first, made, err := d.FirstToken(c)
	if err != nil {
		return err
	}
	if made {
		fmt.Fprintf(c.err, "sosie: the administrator's token, shown this once; `sosie token` makes and revokes others:\n%s\n", first.Token)
	}
	return d.Serve(c, func(pixel net.Addr) {
		tell("pixel on %s://%s/p.gif, data in %s; Ctrl-C ends", config.Scheme(), pixel, config.Data)
	})
}
