package dmp

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificateEvery is how often the files of the certificate are looked at.
const certificateEvery = time.Minute

// certificate is the pair of files that the public doors are served with, read
// again when a file changes. A pair that cannot be read leaves the last good one in
// place, and a warning in the status.
type certificate struct {
	files TLS
	now   atomic.Pointer[tls.Certificate]

	mu      sync.Mutex
	seen    [2]fileMark
	warning string
}

// fileMark is what changes when a file is written or replaced.
type fileMark struct {
	changed time.Time
	size    int64
}

// openCertificate reads the pair; of no files it is one that wraps nothing.
func openCertificate(files TLS) (*certificate, error) {
	c := &certificate{files: files}
	_, err := c.refresh()
	return c, err
}

// refresh reads the files if one of them has changed since the last look, and
// reports whether another pair is served since.
func (c *certificate) refresh() (changed bool, err error) {
	if c.files.Cert == "" {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := [2]fileMark{markOf(c.files.Cert), markOf(c.files.Key)}
	if seen == c.seen && c.warning == "" && c.now.Load() != nil {
		return false, nil
	}
	pair, err := c.files.certificate()
	if err != nil {
		c.warning = "the certificate's files have changed and cannot be read, the earlier pair is served: " + err.Error()
		return false, err
	}
	c.now.Store(pair)
	c.seen, c.warning = seen, ""
	return true, nil
}

func markOf(path string) fileMark {
	at, err := os.Stat(path)
	if err != nil {
		return fileMark{}
	}
	return fileMark{at.ModTime(), at.Size()}
}

// warnings are sentences for the status.
func (c *certificate) warnings() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.warning == "" {
		return nil
	}
	return []string{c.warning}
}

// wrap makes a listener speak TLS if there is a certificate: HTTP/1.1 only, which
// costs a third of HTTP/2, and with session tickets, so that a browser that comes
// back pays no handshake of its own.
func (c *certificate) wrap(l net.Listener) net.Listener {
	if c.files.Cert == "" {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
	})
}

// watchCertificate looks at the files until ctx is done. What is wrong with them
// stands in the status too.
func (d *DMP) watchCertificate(ctx context.Context) {
	tick := time.NewTicker(certificateEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			switch changed, err := d.certificate.refresh(); {
			case err != nil:
				d.log.Warn("the certificate cannot be used; the one before it stays", "error", err.Error())
			case changed:
				d.log.Info("the certificate was read anew", "file", d.config.TLS.Cert)
			}
		}
	}
}
