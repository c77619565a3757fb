package dmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Door is a server of one listener. *fasthttp.Server is one; HTTPDoor makes one of
// an *http.Server.
type Door interface {
	// Serve answers until the door is shut down.
	Serve(net.Listener) error
	// ShutdownWithContext takes no more connections, and returns when what was
	// accepted is answered or the context is done.
	ShutdownWithContext(context.Context) error
}

// Doors are what ServeDoors serves beside the pixel and the control socket, each on
// the address that the configuration names. One that is nil, or that has no
// address, stays closed.
type Doors struct {
	// Partner is public and for tokens only.
	Partner Door
	// Office is the back office.
	Office Door
}

// Addresses are where doors answer; nil where one is closed.
type Addresses struct {
	Pixel, Partner, Office net.Addr
}

// text is an address, empty where the door is closed.
func (Addresses) text(at net.Addr) string {
	if at == nil {
		return ""
	}
	return at.String()
}

// HTTPDoor is a door of net/http. What has not been answered when it must end is
// cut off.
func HTTPDoor(s *http.Server) Door { return httpDoor{s} }

type httpDoor struct{ *http.Server }

func (h httpDoor) ShutdownWithContext(ctx context.Context) error {
	if err := h.Shutdown(ctx); err != nil {
		return errors.Join(err, h.Close())
	}
	return nil
}

// openDoor is a door and where it listens.
type openDoor struct {
	name     string
	listener net.Listener
	server   Door
}

// openDoors opens every listener, in the order in which they are drained: the
// public ones first, so that the command line may still ask meanwhile.
func (d *DMP) openDoors(doors Doors) (open []openDoor, at Addresses, err error) {
	take := func(name string, server Door, listen func() (net.Listener, error)) (at net.Addr) {
		if err != nil {
			return nil
		}
		var l net.Listener
		if l, err = listen(); err != nil {
			return nil
		}
		open = append(open, openDoor{name, l, server})
		return l.Addr()
	}
	at.Pixel = take("pixel", d.pixel.Server(), func() (net.Listener, error) { return d.listenPublic(d.config.Listen, "listen") })
	if doors.Partner != nil && d.config.Partner != "" {
		at.Partner = take("partner door", doors.Partner, func() (net.Listener, error) { return d.listenPublic(d.config.Partner, "partner") })
	}
	if doors.Office != nil && d.config.Office != Closed {
		at.Office = take("back office", doors.Office, func() (net.Listener, error) { return listen(d.config.Office, "office") })
	}
	take("control socket", HTTPDoor(d.controlServer()), func() (net.Listener, error) { return listenSocket(d.config.Data) })
	if err != nil {
		return nil, at, errors.Join(err, closeDoors(open))
	}
	return open, at, nil
}

func closeDoors(open []openDoor) (err error) {
	for _, o := range open {
		err = errors.Join(err, o.listener.Close())
	}
	return err
}

// listenPublic opens a listener for strangers. The limit of connections of one
// address comes before the handshake, so that those beyond it cost none.
func (d *DMP) listenPublic(address, flag string) (net.Listener, error) {
	l, err := listen(address, flag)
	if err != nil {
		return nil, err
	}
	return d.certificate.wrap(d.pixel.Listen(l)), nil
}

// listen opens the listener that a flag names.
func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &Error{Op: "listen", Object: address, Err: err, Hint: "Choose another address with --" + flag + ", or end the program that uses this one."}
	}
	return l, nil
}

func serveError(door string, err error) error {
	if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return &Error{Op: "serve", Object: door, Err: err}
}

func drained(door string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: "shut down", Object: door, Err: fmt.Errorf("answers were still under way: %w", err)}
}
