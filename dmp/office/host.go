package office

import (
	"io"
	"log"
	"net"
	"strings"
)

// knows reports whether a Host header names the back office. A page of a stranger
// whose name was made to point at this machine sends its own name.
func (o *Office) knows(host string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		name = strings.TrimSuffix(inner, "]")
	}
	return o.hosts[strings.ToLower(name)]
}

// silent is a logger that forgets: what the server would say holds addresses.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
