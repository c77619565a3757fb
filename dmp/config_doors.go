package dmp

import (
	"net"
	"net/url"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// checkDoors finds addresses that cannot be listened on, all together.
func (c Config) checkDoors(body ast.Node) error {
	doors := map[string]string{}
	for _, door := range []struct{ key, address string }{{"listen", c.Listen}, {"partner", c.Partner}, {"office", c.Office}} {
		if door.address == "" || door.key == "office" && door.address == Closed {
			continue
		}
		at := child(body, door.key, -1)
		_, port, err := net.SplitHostPort(door.address)
		if err != nil {
			return lineError(at, "%s %q: want an address and a port, such as %s", door.key, door.address, DefaultListen)
		}
		if other := doors[door.address]; other != "" && port != "0" {
			return lineError(at, "%s %q: it is the address of %s too", door.key, door.address, other)
		}
		doors[door.address] = door.key
	}
	for i, host := range c.OfficeHosts {
		if host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/[]* ") || strings.Count(host, ":") == 1 {
			return lineError(child(body, "office_hosts", i), "office host %q: want a name or an address in lower case, without scheme and port", host)
		}
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return lineError(child(body, "public_url", -1), "public_url %q: want http:// or https:// and a host", c.PublicURL)
	}
	return nil
}
