package dmp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// socketName is the control socket's name in the data directory.
const socketName = "sosie.sock"

// maxSocketPath is the longest socket path that every system takes, in bytes.
const maxSocketPath = 103

// socketAddress returns a path to name in dir that is short enough for the
// system: where the plain one is too long, one through a descriptor of the
// directory, which release closes.
func socketAddress(dir, name string) (path string, release func(), err error) {
	path = filepath.Join(dir, name)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, &Error{Op: "use socket", Object: path, Err: fmt.Errorf("the path has %d bytes, the system takes %d", len(path), maxSocketPath),
			Hint: "Choose a data directory with a shorter path, or name it through a symbolic link."}
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return filepath.Join("/proc/self/fd", strconv.Itoa(int(d.Fd())), name), func() { d.Close() }, nil
}

// listenSocket makes the control socket. The caller has the store open, so a
// socket that is already there was left by a process that died; it is replaced.
// The new one is made in a directory nobody else may enter and moved into
// place with its mode: at no time may others connect.
func listenSocket(data string) (net.Listener, error) {
	fail := func(err error) (net.Listener, error) {
		return nil, &Error{Op: "open socket", Object: filepath.Join(data, socketName), Err: err,
			Hint: "The file system of the data directory must allow sockets."}
	}
	left, err := filepath.Glob(filepath.Join(data, ".socket-*"))
	if err != nil {
		return fail(err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fail(err)
		}
	}
	aside, err := os.MkdirTemp(data, ".socket-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(aside)
	address, release, err := socketAddress(aside, "s")
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return fail(err)
	}
	l.SetUnlinkOnClose(false) // its name is about to change
	made := filepath.Join(aside, "s")
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, filepath.Join(data, socketName))); err != nil {
		return fail(errors.Join(err, l.Close()))
	}
	return l, nil
}

// dialSocket connects to the server of a data directory. ErrNotRunning means
// that there is none, or one that died.
func dialSocket(dial func(network, address string) (net.Conn, error), data string) (net.Conn, error) {
	path := filepath.Join(data, socketName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Op: "connect", Object: path, Err: ErrNotRunning, Hint: "Start one with `sosie serve --data " + data + "`."}
	}
	address, release, err := socketAddress(data, socketName)
	if err != nil {
		return nil, err
	}
	defer release()
	conn, err := dial("unix", address)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Op: "connect", Object: path, Err: ErrNotRunning, Hint: "Start one with `sosie serve --data " + data + "`."}
	case errors.Is(err, fs.ErrPermission):
		return nil, &Error{Op: "connect", Object: path, Err: fs.ErrPermission, Hint: "Run the command as the user that runs the server."}
	case err != nil:
		return nil, &Error{Op: "connect", Object: path, Err: err}
	}
	return conn, nil
}
