package dmp

import (
	"net/netip"
	"os"
	"time"

	"sosie/pixel"
	"sosie/storage"
)

// Config is everything an operator may choose, as one YAML file says it. A name
// that is also a flag or an environment variable is the same word in all three:
// `listen`, --listen, SOSIE_LISTEN. The zero value is usable: it serves on
// loopback, knows no site, and so answers every hit with 403.
type Config struct {
	// Data is the directory of the store; default "sosie-data".
	Data string `yaml:"data"`
	// Keys is the directory of the keys, outside the data directory; default
	// "<data>.keys".
	Keys string `yaml:"keys"`
	// Listen is the address the pixel answers on; default "127.0.0.1:8080".
	Listen string `yaml:"listen"`
	// Partner is the address of the partner door, for tokens only: events from
	// servers, and published segments; default empty, which keeps it closed.
	Partner string `yaml:"partner"`
	// Office is the address of the back office; default "127.0.0.1:8081", "off"
	// keeps it closed. It speaks plain HTTP: beyond loopback put a proxy with TLS
	// before it, whose name is one of OfficeHosts.
	Office string `yaml:"office"`
	// OfficeHosts are the names that the back office may be asked by, without
	// ports; default localhost and the loopback addresses. Any other is refused, so
	// that a page cannot reach it by a name of its own that points here.
	OfficeHosts []string `yaml:"office_hosts"`
	// MetricsOpen lets programs on loopback read /metrics of the back office
	// without a token; default false.
	MetricsOpen bool `yaml:"metrics_open"`
	// PublicURL is how browsers reach the pixel, such as
	// "https://p.example.com"; default empty, which takes each hit's own scheme.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are the addresses and networks whose X-Forwarded-For and
	// X-Forwarded-Proto are believed; default none, so that a stranger cannot
	// choose the address that limits are counted by.
	TrustedProxies []Network `yaml:"trusted_proxies"`
	// TLS serves the pixel over HTTPS from two files; default plain HTTP, for
	// loopback or behind a proxy.
	TLS TLS `yaml:"tls"`
	// Memory is the budget of the whole process, kept by dropping the oldest days
	// from memory; a query that needs them reads them from disk. Default 0, no
	// limit.
	Memory Size `yaml:"memory"`
	// Reserve is the free space kept on the device: below it hits get 503 instead
	// of filling the disk. Default 512MiB.
	Reserve Size `yaml:"reserve"`
	// Limits bound what strangers may cost the pixel; what is left out keeps the
	// default of pixel.DefaultLimits.
	Limits pixel.Limits `yaml:"limits"`
	// Places is an MMDB file that tells countries and regions from addresses, such
	// as GeoLite2-City.mmdb; it is read again when it changes. Default none: hits
	// have no place.
	Places string `yaml:"places"`
	// Log is the form of the log on standard error: "text" (default) or "json".
	Log string `yaml:"log"`
	// LogLevel is the least that is logged: "debug", "info" (default), "warn" or
	// "error".
	LogLevel string `yaml:"log_level"`
	// Alerts say whom to tell when something needs an operator.
	Alerts Alerts `yaml:"alerts"`
	// Sites are the sites that may embed the pixel; a hit of any other is
	// answered 403. Default none.
	Sites []pixel.Site `yaml:"sites"`
	// Labels are the labels that exist. A label once declared stays when its
	// entry is removed; changed properties take effect at the next start or reload.
	// Default none.
	Labels []Label `yaml:"labels"`
	// File is where the configuration was read from; empty when it was not.
	File string `yaml:"-"`
	// Reread reads it again, for Reload, as the process would if it started now.
	Reread func() (Config, error) `yaml:"-"`
}

// TLS names a certificate and its key, both PEM files, for the pixel and the partner
// door. They are read again within a minute of a change.
type TLS struct {
	// Cert is the file of the certificate chain; default empty.
	Cert string `yaml:"cert"`
	// Key is the file of the private key; default empty.
	Key string `yaml:"key"`
}

// Alerts say whom to tell, and how often to look.
type Alerts struct {
	// Webhook is a URL that takes alerts as JSON by POST; default none, which shows
	// them in status only.
	Webhook string `yaml:"webhook"`
	// Every is how often it is looked, 10s to 24h; default 1m.
	Every time.Duration `yaml:"every"`
}

// Label is a label of the dictionary and its properties.
type Label struct {
	// Name matches [a-z0-9][a-z0-9_.:/-]{0,127}; required.
	Name string `yaml:"name"`
	// Retention is the number of days a tag stays in force, 1 to 3650; default
	// 395.
	Retention int `yaml:"retention"`
	// Origin says whose observation it is: "first" (default), "second" or
	// "third" party.
	Origin string `yaml:"origin"`
	// Provider names who supplied a second or third party label; default empty.
	Provider string `yaml:"provider"`
	// Sensitive marks a label that needs a lawful basis; kept with the label, not
	// enforced yet; default false.
	Sensitive bool `yaml:"sensitive"`
	// Signed marks a label that the public pixel may not write; default false.
	Signed bool `yaml:"signed"`
	// Uses are the uses and destinations the label may serve; default all.
	Uses []string `yaml:"uses"`
}

// Network is an address or a network in CIDR notation: 10.0.0.1, 10.0.0.0/8.
type Network netip.Prefix

// UnmarshalText reads an address or a network.
func (n *Network) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		*n = Network(netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil {
		return err
	}
	*n = Network(p.Masked())
	return nil
}

// MarshalText writes the network in CIDR notation.
func (n Network) MarshalText() ([]byte, error) { return netip.Prefix(n).MarshalText() }

// The defaults of Config.
const (
	DefaultData   = "sosie-data"
	DefaultListen = "127.0.0.1:8080"
	// DefaultAlertsEvery is a minute.
	DefaultAlertsEvery = time.Minute
	DefaultOffice      = "127.0.0.1:8081"
)

// Closed is the address of a door that stays closed although it is open by default.
const Closed = "off"

// DefaultOfficeHosts returns the names by which a machine reaches itself.
func DefaultOfficeHosts() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// WithDefaults returns the configuration with what was left out filled in.
func (c Config) WithDefaults() Config {
	if c.Data == "" {
		c.Data = DefaultData
	}
	if c.Keys == "" {
		c.Keys = trimSlashes(c.Data) + ".keys"
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Alerts.Every == 0 {
		c.Alerts.Every = DefaultAlertsEvery
	}
	if c.Office == "" {
		c.Office = DefaultOffice
	}
	if len(c.OfficeHosts) == 0 {
		c.OfficeHosts = DefaultOfficeHosts()
	}
	return c
}

func trimSlashes(dir string) string {
	for len(dir) > 1 && os.IsPathSeparator(dir[len(dir)-1]) {
		dir = dir[:len(dir)-1]
	}
	return dir
}

// labelSpecs returns the labels as the store declares them.
func (c Config) labelSpecs() []storage.LabelSpec {
	specs := make([]storage.LabelSpec, 0, len(c.Labels))
	for _, l := range c.Labels {
		specs = append(specs, storage.LabelSpec{
			Name: l.Name, Retention: l.Retention, Origin: storage.Origin(l.Origin),
			Provider: l.Provider, Sensitive: l.Sensitive, Signed: l.Signed, Uses: l.Uses,
		})
	}
	return specs
}
