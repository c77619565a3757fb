package dmp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a new certificate of a name and its key.
func writePair(t *testing.T, files TLS, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: cert}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// handshake returns the state of a new connection.
func handshake(t *testing.T, address string, config *tls.Config) tls.ConnectionState {
	t.Helper()
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// A ticket comes with the first answer.
	if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 1024); ; {
		if _, err := c.Read(buf); err != nil {
			return c.ConnectionState()
		}
	}
}

// TestCertificateReloads: a new pair is served without a restart, also to who has
// connected before; a broken one leaves the old in place and stands in the status.
func TestCertificateReloads(t *testing.T) {
	config := testConfig(t)
	dir := t.TempDir()
	config.TLS = TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	writePair(t, config.TLS, "one.example")
	s := serve(t, config)
	address := strings.TrimPrefix(s.pixel, "http://")
	client := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(4), ServerName: "a"}
	served := func() string {
		return handshake(t, address, &tls.Config{InsecureSkipVerify: true}).PeerCertificates[0].Subject.CommonName
	}
	if got := served(); got != "one.example" {
		t.Errorf("served is %s", got)
	}
	if first := handshake(t, address, client); first.NegotiatedProtocol != "http/1.1" || first.DidResume {
		t.Errorf("the first handshake: %+v", first)
	}
	if again := handshake(t, address, client); !again.DidResume {
		t.Error("the second handshake resumes nothing")
	}
	writePair(t, config.TLS, "two.example")
	if _, err := s.certificate.refresh(); err != nil {
		t.Fatal(err)
	}
	if got := served(); got != "two.example" {
		t.Errorf("after a change served is %s", got)
	}
	if err := os.WriteFile(config.TLS.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.certificate.refresh(); err == nil {
		t.Error("a broken key is taken")
	}
	status, err := s.client.Status(t.Context())
	if err != nil || len(status.Store.Warnings) != 1 || !strings.Contains(status.Store.Warnings[0], "earlier pair is served") {
		t.Errorf("status warns of %q, %v", status.Store.Warnings, err)
	}
	if got := served(); got != "two.example" {
		t.Errorf("with a broken key served is %s", got)
	}
	writePair(t, config.TLS, "three.example")
	if _, err := s.certificate.refresh(); err != nil || served() != "three.example" {
		t.Errorf("mended: %v, served is %s", err, served())
	}
	if status, err := s.client.Status(t.Context()); err != nil || len(status.Store.Warnings) != 0 {
		t.Errorf("mended, status warns of %q, %v", status.Store.Warnings, err)
	}
}

// TestCheckFindsKeysBesideTheirData: before anything is made.
func TestCheckFindsKeysBesideTheirData(t *testing.T) {
	config := testConfig(t)
	config.Keys = filepath.Join(config.Data, "keys")
	if err := config.Check(); !errors.Is(err, ErrKeysInside) {
		t.Errorf("the check says %v", err)
	}
}

// TestCheckOpensTheCertificate: what would fail at the start fails in the check.
func TestCheckOpensTheCertificate(t *testing.T) {
	config := testConfig(t)
	config.TLS = TLS{Cert: "none.pem", Key: "none.pem"}
	if err := config.Check(); err == nil || Hint(err) == "" {
		t.Errorf("the check says %v", err)
	}
	if _, err := Open(config); err == nil {
		t.Error("the house opens")
	}
}
