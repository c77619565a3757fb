package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"sosie/dmp"
)

// serve opens the doors.
type serve struct {
	Listen      string   `help:"Address the pixel answers on. Default: ${default_listen}." placeholder:"ADDRESS" env:"SOSIE_LISTEN"`
	Partner     string   `help:"Address of the partner door. Default: closed." placeholder:"ADDRESS" env:"SOSIE_PARTNER"`
	Office      string   `help:"Address of the back office; off closes it. Default: ${default_office}." placeholder:"ADDRESS" env:"SOSIE_OFFICE"`
	OfficeHosts []string `name:"office-hosts" help:"Names the back office may be asked by. Default: localhost and the loopback addresses." placeholder:"HOST" env:"SOSIE_OFFICE_HOSTS"`
	MetricsOpen bool     `name:"metrics-open" help:"Let programs on loopback read /metrics of the back office without a token." env:"SOSIE_METRICS_OPEN"`
	Trusted     []string `name:"trusted-proxies" help:"Addresses and networks whose X-Forwarded-For is believed. Default: none." placeholder:"NETWORK" env:"SOSIE_TRUSTED_PROXIES"`
	TLSCert     string   `name:"tls-cert" help:"PEM file of the certificate chain; without it plain HTTP." placeholder:"FILE" env:"SOSIE_TLS_CERT"`
	TLSKey      string   `name:"tls-key" help:"PEM file of its private key." placeholder:"FILE" env:"SOSIE_TLS_KEY"`
	Places      string   `help:"MMDB file that tells countries and regions from addresses. Default: none." placeholder:"FILE" env:"SOSIE_PLACES"`
	Webhook     string   `name:"alerts-webhook" help:"URL that takes alerts as JSON by POST. Default: none." placeholder:"URL" env:"SOSIE_ALERTS_WEBHOOK"`
	PublicURL   string   `name:"public-url" help:"How browsers reach the pixel, such as https://p.example.com." placeholder:"URL" env:"SOSIE_PUBLIC_URL"`
	Log         string   `help:"Form of the log on standard error: text or json. Default: text." placeholder:"FORM" enum:",text,json" default:"" env:"SOSIE_LOG"`
	LogLevel    string   `name:"log-level" help:"Least that is logged: debug, info, warn or error. Default: info." placeholder:"LEVEL" enum:",debug,info,warn,error" default:"" env:"SOSIE_LOG_LEVEL"`
	Check       bool     `help:"Check the configuration and end."`
}

// Help is shown by sosie serve --help.
func (serve) Help() string {
	return `Serves until SIGINT or SIGTERM, then answers what it has accepted and ends. SIGHUP, and sosie reload, read the sites, their rules and the labels of the configuration file again.

The first start makes the data directory and, beside it, the keys that seal cookies. Back up both, apart. It prints an administrator's token for the back office, this once.

  sosie serve --config sosie.yaml
  sosie serve --config sosie.yaml --check
  sosie serve --data /var/lib/sosie --listen :8080 --memory 4GiB

The log on standard error tells of starts and stops, days, warnings and alerts. It holds no address, agent, URL, cookie or name of a user.`
}

// configure reads the configuration as this start of the server means it.
func (s *serve) configure(p *place) (dmp.Config, error) {
	config, err := p.load()
	if err != nil {
		return config, err
	}
	override(&config.Listen, s.Listen)
	override(&config.Partner, s.Partner)
	override(&config.Office, s.Office)
	override(&config.MetricsOpen, s.MetricsOpen)
	override(&config.PublicURL, s.PublicURL)
	override(&config.Log, s.Log)
	override(&config.LogLevel, s.LogLevel)
	override(&config.TLS.Cert, s.TLSCert)
	override(&config.TLS.Key, s.TLSKey)
	override(&config.Places, s.Places)
	override(&config.Alerts.Webhook, s.Webhook)
	if len(s.Trusted) > 0 {
		config.TrustedProxies = make([]dmp.Network, len(s.Trusted))
		for i, text := range s.Trusted {
			if err := config.TrustedProxies[i].UnmarshalText([]byte(text)); err != nil {
				return config, fmt.Errorf("read --trusted-proxies: %w: %w", errUsage, err)
			}
		}
	}
	if len(s.OfficeHosts) > 0 {
		config.OfficeHosts = s.OfficeHosts
	}
	return config, nil
}

// Run serves until the console says to end.
func (s *serve) Run(c *console) (err error) {
	config, err := s.configure(c.place)
	if err != nil {
		return err
	}
	if err := config.Check(); err != nil {
		return err
	}
	if s.Check {
		return c.printf("the configuration is right: %d sites, %d labels, data in %s, keys in %s\n",
			len(config.Sites), len(config.Labels), config.Data, config.Keys)
	}
	config.Reread = func() (dmp.Config, error) { return s.configure(c.place) }
	d, err := dmp.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	log := config.Logger(c.err)
	d.LogTo(log)
	// People read sentences; who asked for JSON gets nothing else.
	tell := teller(func(format string, args ...any) { fmt.Fprintf(c.err, "sosie: "+format+"\n", args...) })
	if config.Log == dmp.LogJSON {
		tell = func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }
	}
	if d.Fresh() {
		tell("made a new store in %s, and its keys in %s: back up both, apart", config.Data, config.Keys)
	}
	if len(config.Sites) == 0 {
		tell("no site is configured: every hit is answered 403; name sites in a file for --config")
	}
	if err := greet(c, d); err != nil {
		return err
	}
	defer reloadOnHangup(c, d, tell)()
	doors, closeDoors, err := doorsOf(d, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDoors()) }()
	return d.ServeDoors(c, doors, func(at dmp.Addresses) {
		if at.Office != nil {
			tell("back office on http://%s/docs", at.Office)
		}
		if at.Partner != nil {
			tell("partner door on %s://%s", config.Scheme(), at.Partner)
		}
		tell("pixel on %s://%s/p.gif, data in %s; Ctrl-C ends", config.Scheme(), at.Pixel, config.Data)
	})
}

// teller tells whoever started the server a sentence.
type teller func(format string, args ...any)

// greet prints the administrator's token of a house that had none. It is no line
// of a log: those are kept, and read by many.
func greet(c *console, d *dmp.DMP) error {
	first, made, err := d.FirstToken(c)
	if err == nil && made {
		fmt.Fprintf(c.err, "sosie: the administrator's token, shown this once; `sosie token` makes and revokes others:\n%s\n", first.Token)
	}
	return err
}

// reloadOnHangup reloads at SIGHUP, and says what came of it, until the returned
// function is called.
func reloadOnHangup(c *console, d *dmp.DMP, tell teller) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	var listening sync.WaitGroup
	listening.Go(func() {
		for range hangup {
			if done, err := d.Reload(c); err != nil {
				tell("%v\nhint: %s", err, dmp.Hint(err))
			} else {
				tell("%s", reloaded(done))
			}
		}
	})
	return func() {
		signal.Stop(hangup)
		close(hangup)
		listening.Wait()
	}
}
