package rules

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
)

// maxHost is the longest name of a host, in bytes.
const maxHost = 253

// Hosts is a set of names of hosts and of whole domains. The zero value has
// none. It never changes.
type Hosts struct{ names hostIndex }

// ParseHosts reads patterns: a host such as www.shop.example or 10.0.0.1, or
// *.shop.example for every host under that name, the name itself not included.
// Names are in the form that browsers send: lower case, no port, and xn-- where
// letters are not ASCII. The error says what is wrong with which.
func ParseHosts(patterns []string) (Hosts, error) {
	var h Hosts
	for _, p := range patterns {
		if err := checkHost(p); err != nil {
			return Hosts{}, err
		}
		h.names.add(p, 0)
	}
	return h, nil
}

func checkHost(pattern string) error {
	name := strings.TrimPrefix(pattern, "*.")
	switch {
	case name == "" || len(name) > maxHost || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
	case strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }):
		return fmt.Errorf("host %q: want the form that begins with xn--, which browsers send", pattern)
	case name == pattern && strings.Contains(name, ":"):
		if a, err := netip.ParseAddr(name); err == nil && a.String() == name {
			return nil
		}
	case !strings.ContainsFunc(name, func(r rune) bool { return !hostByte[byte(r)] }):
		return nil
	}
	return fmt.Errorf("host %q: want a name in lower case without port, such as www.shop.example, or *.shop.example", pattern)
}

// hostByte says what the name of a host is made of.
var hostByte = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789-_." {
		t[c] = true
	}
	return t
}()

// Empty says that no host belongs.
func (h Hosts) Empty() bool { return h.names.empty() }

// Has reports whether a host belongs. It is given as browsers send it: case
// does not matter, and a port or a final dot is left out. It allocates nothing.
func (h Hosts) Has(host []byte) (has bool) {
	var room [maxHost]byte
	if name, ok := foldHost(room[:0], host); ok {
		h.names.each(name, func(uint32) { has = true })
	}
	return has
}

// hostIndex finds the numbers of patterns of hosts.
type hostIndex struct {
	exact   map[string]uint32
	domains map[string]uint32 // by the name under which any host belongs
}

func (x *hostIndex) add(pattern string, number uint32) {
	if x.exact == nil {
		x.exact, x.domains = map[string]uint32{}, map[string]uint32{}
	}
	if domain, ok := strings.CutPrefix(pattern, "*."); ok {
		x.domains[domain] = number
	} else {
		x.exact[pattern] = number
	}
}

func (x *hostIndex) empty() bool { return len(x.exact) == 0 && len(x.domains) == 0 }

// each calls met with the number of each pattern that a folded name matches.
func (x *hostIndex) each(name []byte, met func(number uint32)) {
	if n, ok := x.exact[string(name)]; ok {
		met(n)
	}
	if len(x.domains) == 0 {
		return
	}
	for i := bytes.IndexByte(name, '.'); i >= 0; i = bytes.IndexByte(name, '.') {
		name = name[i+1:]
		if n, ok := x.domains[string(name)]; ok {
			met(n)
		}
	}
}

var dot = []byte{'.'}

// foldHost writes the plain form of a host into room, which has maxHost bytes:
// lower case, without port, brackets and final dot. It is false for what is
// longer than a host can be, and for none.
func foldHost(room, host []byte) (name []byte, ok bool) {
	if len(host) > 0 && host[0] == '[' {
		host, _, _ = bytes.Cut(host[1:], bracket)
	} else if i := bytes.IndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i+1:], ':') < 0 {
		host = host[:i]
	}
	host = bytes.TrimSuffix(host, dot)
	if len(host) == 0 || len(host) > maxHost {
		return nil, false
	}
	for _, c := range host {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		room = append(room, c)
	}
	return room, true
}

var bracket = []byte{']'}
