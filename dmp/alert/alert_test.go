package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// receiver is a webhook's other end: it answers with the statuses in turn, then
// with 200, and writes down what it took.
type receiver struct {
	mu       sync.Mutex
	statuses []int
	header   http.Header
	calls    int
	got      []string
	raw      []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if len(r.statuses) > 0 {
		status := r.statuses[0]
		r.statuses = r.statuses[1:]
		for name := range r.header {
			w.Header().Set(name, r.header.Get(name))
		}
		w.WriteHeader(status)
		return
	}
	var m Message
	var raw json.RawMessage
	if err := json.NewDecoder(q.Body).Decode(&raw); err != nil || json.Unmarshal(raw, &m) != nil || q.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var changes []string
	for _, c := range m.Changes {
		changes = append(changes, fmt.Sprintf("%s %s %s", c.Status, c.Kind, c.Object))
	}
	if m.More > 0 {
		changes = append(changes, fmt.Sprintf("and %d", m.More))
	}
	r.got, r.raw = append(r.got, strings.Join(changes, ", ")), append(r.raw, string(raw))
}

// take returns what came since the last take.
func (r *receiver) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := strings.Join(r.got, "; ")
	r.got = nil
	return got
}

func receive(t *testing.T, statuses ...int) (*receiver, *Webhook) {
	t.Helper()
	r := &receiver{statuses: statuses, header: http.Header{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	hook, err := NewWebhook(server.URL + "/secret-path?token=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	hook.firstPause = time.Millisecond
	t.Cleanup(hook.client.CloseIdleConnections)
	return r, hook
}

var (
	disk  = Alert{Kind: Disk, Object: "/data", Text: "1 GiB free"}
	quiet = Alert{Kind: Label, Object: "interest/tennis", Text: "silent"}
)

// TestBellTellsOnce: each alert when it begins and when it ends.
func TestBellTellsOnce(t *testing.T) {
	r, hook := receive(t)
	b := NewBell("0123", hook)
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		found []Alert
		want  string
	}{
		{nil, ""},
		{[]Alert{quiet, disk}, "firing disk /data, firing label interest/tennis"},
		{[]Alert{disk, {Kind: Label, Object: quiet.Object, Text: "silent for longer"}}, ""},
		{[]Alert{disk}, "resolved label interest/tennis"},
		{[]Alert{quiet}, "resolved disk /data, firing label interest/tennis"},
		{nil, "resolved label interest/tennis"},
		{nil, ""},
	} {
		changes, err := b.Ring(t.Context(), row.found, at)
		if got := r.take(); got != row.want || err != nil || (len(changes) > 0) != (row.want != "") {
			t.Errorf("%v: told %q, %v: want %q", row.found, got, err, row.want)
		}
		if got := b.Firing(); len(got) != len(row.found) {
			t.Errorf("firing %v, want %v", got, row.found)
		}
		at = at.Add(time.Minute)
	}
	if got := r.raw[0]; !strings.Contains(got, `"store":"0123"`) || !strings.Contains(got, `"since":"2026-11-24T12:01:00Z"`) || strings.Contains(got, "hunter2") {
		t.Errorf("message: %s", got)
	}
	if got := r.raw[1]; !strings.Contains(got, `"since":"2026-11-24T12:01:00Z"`) {
		t.Errorf("the end forgets when it began: %s", got)
	}
}

// TestBellTellsLater: what could not be told is, with what changed meanwhile.
func TestBellTellsLater(t *testing.T) {
	r, hook := receive(t, 400, 404)
	b := NewBell("0123", hook)
	now := time.Now()
	for i, found := range [][]Alert{{disk}, {disk, quiet}} {
		if _, err := b.Ring(t.Context(), found, now); err == nil {
			t.Errorf("ring %d: no error", i)
		}
	}
	if r.calls != 2 {
		t.Errorf("%d calls: what is refused for good is not tried again at once", r.calls)
	}
	if changes, err := b.Ring(t.Context(), []Alert{quiet}, now); err != nil || len(changes) != 1 {
		t.Errorf("changes %v, %v: want the end of one", changes, err)
	}
	if got := r.take(); got != "firing label interest/tennis" {
		t.Errorf("told %q: what ended untold needs no word", got)
	}
}

func TestManyAlerts(t *testing.T) {
	r, hook := receive(t)
	b := NewBell("0123", hook)
	var found []Alert
	for i := range 250 {
		found = append(found, Alert{Kind: Label, Object: fmt.Sprint("interest/", i)})
	}
	if _, err := b.Ring(t.Context(), found, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := r.take(); strings.Count(got, "firing") != 100 || !strings.HasSuffix(got, "and 150") {
		t.Errorf("told %q", got)
	}
}

func TestPatience(t *testing.T) {
	r, hook := receive(t, 500, 503, 429)
	if err := hook.PostPatiently(t.Context(), TestMessage("0123", time.Now())); err != nil || r.take() != "firing test webhook" || r.calls != 4 {
		t.Errorf("%v after %d calls", err, r.calls)
	}
	r, hook = receive(t, 429)
	r.header.Set("Retry-After", "3600")
	hook.patience = 1500 * time.Millisecond
	if err := hook.PostPatiently(t.Context(), Message{}); err != nil || r.calls != 2 {
		t.Errorf("asked to wait an hour: %v after %d calls, want two, a second apart", err, r.calls)
	}
	_, hook = receive(t, 500, 500, 500, 500, 500, 500, 500, 500)
	hook.patience = 5 * time.Millisecond
	if err := hook.PostPatiently(t.Context(), Message{}); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("got %v", err)
	}
	r, hook = receive(t, 302)
	r.header.Set("Location", "/elsewhere")
	if err := hook.Post(t.Context(), Message{}); err == nil || r.calls != 1 {
		t.Errorf("a redirect: %v after %d calls", err, r.calls)
	}
}

// TestNoSecrets: the address of a webhook is in no error.
func TestNoSecrets(t *testing.T) {
	_, hook := receive(t, 500, 401)
	closed := httptest.NewServer(nil)
	closed.Close()
	nobody, err := NewWebhook(closed.URL + "/secret-path?token=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	_, bad := NewWebhook("https://user:hunter2@/secret-path")
	if !errors.Is(bad, ErrURL) {
		t.Errorf("no host: %v", bad)
	}
	for _, err := range []error{hook.Post(t.Context(), Message{}), hook.PostPatiently(t.Context(), Message{}), nobody.Post(t.Context(), Message{}), bad} {
		if err == nil || strings.Contains(err.Error(), "secret-path") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
	for _, address := range []string{"", "hooks.example", "ftp://hooks.example", "https://", "mailto:ops@example.com", "http://[::1"} {
		if _, err := NewWebhook(address); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
