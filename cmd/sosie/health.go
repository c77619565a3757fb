package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"sosie/dmp"
)

// health asks the pixel whether it answers.
type health struct {
	Listen  string        `help:"Address the pixel answers on. Default: as for serve." placeholder:"ADDRESS" env:"SOSIE_LISTEN"`
	Timeout time.Duration `help:"How long it may take." default:"3s"`
}

// Help is shown by sosie health --help.
func (health) Help() string {
	return `Ends with 0 when the pixel on this machine answers /healthz, with 1 when it does not.

  sosie health --listen :8080
  HEALTHCHECK CMD ["/sosie", "health"]`
}

// Run asks once.
func (h *health) Run(c *console) error {
	config, err := c.place.load()
	if err != nil {
		return err
	}
	override(&config.Listen, h.Listen)
	at := config.Scheme() + "://" + reachable(config.Listen) + "/healthz"
	// It asks its own machine by address, which no certificate names.
	client := http.Client{Timeout: h.Timeout, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(c, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("ask health %s: %w: %w", at, errUsage, err)
	}
	answer, err := client.Do(r)
	if err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			err = errors.New("it answered " + answer.Status)
		}
	}
	if err != nil {
		return &dmp.Error{Op: "ask health", Object: at, Err: err, Hint: "Start the pixel with `sosie serve`, or name its address with --listen."}
	}
	return c.printf("healthy\n")
}

// reachable turns an address to listen on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a == netip.IPv4Unspecified() {
		host = "127.0.0.1"
	} else if err == nil && a == netip.IPv6Unspecified() {
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
