package main

import (
	"context"
	"net"
	"net/http"
	"time"

	visitors "sosie/dmp/demo"
)

// servePages serves the demo's news and shop on loopback until the console's context
// is done, and says where.
func (s *stage) servePages(c *console) error {
	var listen net.ListenConfig
	var listeners [2]net.Listener
	var addresses [2]string
	for i := range listeners {
		l, err := listen.Listen(c, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listeners[i], addresses[i] = l, "http://"+l.Addr().String()
	}
	for i, site := range []string{"news", "shop"} {
		server := &http.Server{Handler: visitors.Pages(site, s.pixel, addresses[0], addresses[1]), ReadHeaderTimeout: 5 * time.Second}
		go server.Serve(listeners[i]) // ends with the process, which has nothing to finish here
		context.AfterFunc(c, func() { server.Close() })
	}
	return c.printf("Pages to look at, each with the tag on it:\n\n  %s/   news\n  %s/   a shop\n\n", addresses[0], addresses[1])
}
