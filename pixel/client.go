package pixel

import (
	"bytes"
	"net/netip"
)

// trusts reports whether a peer is one of our proxies.
func (p *Pixel) trusts(peer netip.Addr) bool {
	for _, proxy := range p.trusted {
		if proxy.Contains(peer) {
			return true
		}
	}
	return false
}

// client returns the browser's address: the peer, or where that is one of our
// proxies, the last hop of X-Forwarded-For that is not. What stands before it
// was written by strangers. A hop that is no address ends the walk.
func (p *Pixel) client(peer netip.Addr, forwarded [][]byte) netip.Addr {
	for i := len(forwarded) - 1; i >= 0; i-- {
		for rest := forwarded[i]; len(rest) > 0; {
			if !p.trusts(peer) {
				return peer
			}
			comma := bytes.LastIndexByte(rest, ',')
			hop, ok := parseHop(rest[comma+1:])
			if !ok {
				return peer
			}
			peer = hop
			rest = rest[:max(comma, 0)]
		}
	}
	return peer
}

// parseHop reads an address as proxies write it: bare, with a port, or an IPv6
// address in brackets.
func parseHop(hop []byte) (netip.Addr, bool) {
	hop = bytes.TrimSpace(hop)
	if len(hop) > 64 {
		return netip.Addr{}, false
	}
	if a, err := netip.ParseAddr(string(hop)); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(string(hop)); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	if len(hop) > 2 && hop[0] == '[' && hop[len(hop)-1] == ']' {
		if a, err := netip.ParseAddr(string(hop[1 : len(hop)-1])); err == nil {
			return a.Unmap().WithZone(""), true
		}
	}
	return netip.Addr{}, false
}

// saysHTTPS reports whether X-Forwarded-Proto says that the browser came over
// TLS: its first value is that of the hop next to the browser.
func saysHTTPS(proto []byte) bool {
	first, _, _ := bytes.Cut(proto, []byte{','})
	return bytes.EqualFold(bytes.TrimSpace(first), []byte("https"))
}
