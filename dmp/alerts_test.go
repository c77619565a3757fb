package dmp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sosie/audience"
	"sosie/dmp/alert"
	"sosie/storage"
	"sosie/storage/device"
)

// writeCertificate makes a certificate that ends at a time, and its key.
func writeCertificate(t *testing.T, tls TLS, ends time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: ends.AddDate(-1, 0, 0), NotAfter: ends}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string]*pem.Block{tls.Cert: {Type: "CERTIFICATE", Bytes: certificate}, tls.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// alarmed is a house whose alarm a test rings.
func alarmed(t *testing.T, c Config) *alarm {
	t.Helper()
	return &alarm{d: mustOpen(t, c), clock: time.Now, saved: time.Now()}
}

// fires returns what is wrong, as "kind object: text" without the disk and the
// files' folders.
func (a *alarm) fires(t *testing.T) string {
	t.Helper()
	a.ring(t.Context())
	var out []string
	for _, f := range a.d.bell.Firing() {
		if f.Kind != alert.Disk {
			out = append(out, fmt.Sprintf("%s %s: %s", f.Kind, filepath.Base(f.Object), f.Text))
		}
	}
	return strings.Join(out, "; ")
}

func TestAlarmOfDisk(t *testing.T) {
	c := testConfig(t)
	free, err := device.Free(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		reserve int64
		want    string
	}{
		{free / 4, ""},
		{free / 4 * 3, "close to the reserve"},
	} {
		a := alarmed(t, c)
		a.d.config.Reserve = Size(row.reserve)
		if err := a.d.store.Close(); err != nil {
			t.Fatal(err)
		}
		if a.d.store, err = storage.Open(storage.Options{Dir: c.Data, Reserve: row.reserve}); err != nil {
			t.Fatal(err)
		}
		got := a.disk()
		if (len(got) > 0) != (row.want != "") || row.want != "" && !strings.Contains(got[0].Text, row.want) {
			t.Errorf("%d in reserve of %d free: %v, want %q", row.reserve, free, got, row.want)
		}
		if err := a.d.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAlarmOfCertificate(t *testing.T) {
	dir := t.TempDir()
	c := testConfig(t)
	c.TLS = TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	ends := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
	writeCertificate(t, c.TLS, ends)
	a := alarmed(t, c)
	for _, row := range []struct {
		at   time.Time
		want string
	}{
		{ends.AddDate(0, 0, -15), ""},
		{ends.AddDate(0, 0, -13), "the certificate ends on 2026-12-20T00:00:00Z"},
		{ends.AddDate(0, 0, 3), "the certificate ends on 2026-12-20T00:00:00Z"},
	} {
		got := a.certificate(row.at)
		if (len(got) > 0) != (row.want != "") || row.want != "" && got[0].Text != row.want {
			t.Errorf("on %s: %v, want %q", row.at, got, row.want)
		}
	}
	writeCertificate(t, c.TLS, ends.AddDate(1, 0, 0)) // renewed
	if got := a.certificate(ends); len(got) > 0 {
		t.Errorf("renewed: %v", got)
	}
	if err := os.Remove(c.TLS.Cert); err != nil {
		t.Fatal(err)
	}
	if got := a.certificate(ends); len(got) != 1 {
		t.Errorf("no file: %v", got)
	}
}

// hits records a user with a label on days before today.
func hits(t *testing.T, s *storage.Store, name string, ago ...int) {
	t.Helper()
	label, ok := s.Labels().Lookup(name)
	if !ok {
		t.Fatalf("no label %s", name)
	}
	u, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	var r storage.Records
	for _, days := range ago {
		r.Hit(u, storage.DayOf(time.Now())-storage.Day(days), label)
	}
	if _, err := s.Append(&r); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
}

// TestAlarmOfSilence: a label that was usual is missed for a day, comes back,
// and is late today.
func TestAlarmOfSilence(t *testing.T) {
	a := alarmed(t, testConfig(t))
	d := a.d
	hits(t, d.store, "bought/racket", 0, 1, 2, 3, 4, 5, 6, 7, 8)
	hits(t, d.store, "interest/tennis", 2, 3, 4, 5, 6, 7, 8)
	want := fmt.Sprintf("label tennis: nobody has got it since %s", storage.DayOf(time.Now())-2)
	if got := a.fires(t); got != want {
		t.Errorf("fires %q, want %q", got, want)
	}
	if d.bell.Firing()[0].Since.IsZero() {
		t.Error("since when?")
	}
	hits(t, d.store, "interest/tennis", 0, 1)
	if got := a.fires(t); got != want {
		t.Errorf("counted again at once: %q", got)
	}
	a.counted = a.counted.Add(-labelsEvery)
	if got := a.fires(t); got != "" {
		t.Errorf("it came back, and fires %q", got)
	}
	late := alarmed(t, testConfig(t))
	hits(t, late.d.store, "interest/tennis", 1, 2, 3, 4, 5, 6, 7, 8)
	today := storage.DayOf(time.Now()).Time()
	for ago := 6; ago > 0; ago-- { // first met at a minute past midnight, always
		day := today.AddDate(0, 0, -ago)
		late.d.rhythm.Look(day, []audience.LabelDays{{Label: "interest/tennis", Days: []uint64{0}}})
		late.d.rhythm.Look(day.Add(time.Minute), []audience.LabelDays{{Label: "interest/tennis", Days: []uint64{1}}})
	}
	late.clock = func() time.Time { return today.Add(61 * time.Minute) }
	if got := late.fires(t); got != "" {
		t.Errorf("an hour after midnight it fires %q", got)
	}
	late.clock = func() time.Time { return today.Add(63 * time.Minute) }
	if got := late.fires(t); got != "label tennis: nobody has got it today, and it is later than usual" {
		t.Errorf("later it fires %q", got)
	}
	late.clock = func() time.Time { return today.Add(24*time.Hour + time.Second) } // the view is of yesterday still
	if got := late.fires(t); got == "" {
		t.Error("at midnight it no longer fires")
	}
}

// TestServeRings: a server tells its webhook what is wrong as it starts, and
// shows it in status.
func TestServeRings(t *testing.T) {
	messages := make(chan alert.Message, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m alert.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		messages <- m
	}))
	defer hook.Close()
	c := testConfig(t)
	c.Alerts.Webhook = hook.URL + "/token"
	d := mustOpen(t, c)
	hits(t, d.store, "interest/tennis", 2, 3, 4, 5, 6, 7, 8)
	s := serveOpened(t, d)
	var m alert.Message
	select {
	case m = <-messages:
	case <-time.After(10 * time.Second):
		t.Fatal("no message")
	}
	var changes []string
	for _, c := range m.Changes {
		if c.Kind != alert.Disk {
			changes = append(changes, c.Status+" "+string(c.Kind)+" "+c.Object)
		}
	}
	if got := strings.Join(changes, ", "); m.Store != d.store.ID() || got != "firing label interest/tennis, firing label seen" {
		t.Errorf("store %s, %q", m.Store, got)
	}
	status, err := s.client.Status(t.Context())
	if err != nil || len(status.Alerts) != len(m.Changes) {
		t.Errorf("status shows %v, %v", status.Alerts, err)
	}
	if err := TestAlert(t.Context(), c); err != nil || (<-messages).Changes[0].Kind != alert.Test {
		t.Errorf("test: %v", err)
	}
}

func TestTestAlertSaysWhy(t *testing.T) {
	deaf := httptest.NewServer(http.NotFoundHandler())
	defer deaf.Close()
	for webhook, want := range map[string]string{"": "none is configured", deaf.URL + "/token": "404", "nonsense": "want a URL"} {
		err := TestAlert(t.Context(), Config{Alerts: Alerts{Webhook: webhook}})
		if err == nil || !strings.Contains(err.Error(), want) || Hint(err) == "" || strings.Contains(err.Error(), "token") {
			t.Errorf("%q: %v, want %q", webhook, err, want)
		}
	}
}
