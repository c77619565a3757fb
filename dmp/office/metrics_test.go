package office

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sosie/dmp/access"
	"sosie/storage"
)

// emptyKeyring is a keyring without a token.
func emptyKeyring(t testing.TB) *access.Keyring {
	s, err := storage.Open(storage.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	k, err := access.Open(s.Documents())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestMetrics shows the names of all metrics of ours, of which dashboards are made.
func TestMetrics(t *testing.T) {
	d := openDesk(t)
	door, err := d.house.PartnerDoor() // its metrics are there while it is open
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := door.Close(); err != nil {
			t.Error(err)
		}
	}()
	d.visit(3, "shop", "shop/tennis,shop/nothing")
	d.ask("admin", "POST", "/v1/count", expr("seen")) // what was acknowledged is in the status then
	d.ask("nobody", "POST", "/v1/count", expr("seen"))
	status, answer := d.ask("admin", "GET", "/metrics", nil)
	if status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	for _, want := range []string{`sosie_pixel_total{cause="stored"} 3`, `sosie_pixel_total{cause="label_unknown"} 3`, `sosie_office_total{code="401"} 1`, "sosie_users 3", `sosie_durability_seconds{quantile="0.99"} `, "go_goroutines "} {
		if !strings.Contains(answer, want) {
			t.Errorf("%s is missing", want)
		}
	}
	var names []string
	for line := range strings.Lines(answer) {
		if rest, ok := strings.CutPrefix(line, "# TYPE sosie_"); ok {
			names = append(names, "sosie_"+strings.TrimSpace(rest))
		}
	}
	slices.Sort(names)
	want, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), strings.Join(names, "\n")+"\n"); d != "" {
		t.Error(d)
	}
}

// TestMetricsOpen: without a token only where that is configured, and only from
// this machine.
func TestMetricsOpen(t *testing.T) {
	d := openDesk(t)
	for _, c := range []struct {
		open  bool
		from  string
		token bool
		want  int
	}{
		{false, "127.0.0.1:1", false, 401}, {false, "192.0.2.1:1", true, 200}, {true, "127.0.0.1:1", false, 200},
		{true, "[::1]:1", false, 200}, {true, "192.0.2.1:1", false, 401}, {true, "", false, 401},
	} {
		o := New(d.house, d.house.Keyring(), []string{"localhost"}, c.open)
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host, r.RemoteAddr = "localhost", c.from
		if c.token {
			r.Header.Set("Authorization", "Bearer "+d.tokens["admin"])
		}
		w := httptest.NewRecorder()
		if o.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}
