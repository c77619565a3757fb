package office

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp/access"
)

// eachOperation calls fn with every operation that the door describes, so that a
// new one is tested without a word here.
func (d *desk) eachOperation(fn func(method, path string, op access.Operation)) {
	d.t.Helper()
	n := 0
	for path, item := range d.office.api.OpenAPI().Paths {
		for method, o := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post,
			http.MethodDelete: item.Delete, http.MethodPatch: item.Patch, http.MethodHead: item.Head, http.MethodOptions: item.Options, http.MethodTrace: item.Trace} {
			if o == nil {
				continue
			}
			op, ok := o.Metadata[operationKey].(access.Operation)
			if !ok {
				d.t.Fatalf("%s %s is not in the table", method, path)
			}
			fn(method, strings.NewReplacer("{name}", "nothing", "{id}", "nothing").Replace(path), op)
			n++
		}
	}
	if n < 21 {
		d.t.Errorf("only %d operations were met", n)
	}
}

// TestRolesOfEveryOperation: no role gets past the table, whatever the body is.
func TestRolesOfEveryOperation(t *testing.T) {
	d := openDesk(t)
	revoked, err := d.house.CreateToken(t.Context(), access.Grant{Name: "gone", Role: access.Admin})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.house.RevokeToken(t.Context(), revoked.Grant.ID); err != nil {
		t.Fatal(err)
	}
	d.tokens["revoked"] = revoked.Token
	roles := map[string]access.Role{"admin": access.Admin, "buyer": access.Buyer, "shop": access.Buyer, "site": access.Site, "partner": access.Partner}
	d.eachOperation(func(method, path string, op access.Operation) {
		for _, q := range []any{nil, question{}, question{"role": "admin", "expression": "seen"}} {
			for who, role := range roles {
				status, answer := d.ask(who, method, path, q)
				if access.Allowed(role, op) == (status == 401 || status == 403) {
					t.Errorf("%s: %s %s: %d %s", who, method, path, status, answer)
				}
			}
			for _, who := range []string{"", "revoked"} {
				if status, answer := d.ask(who, method, path, q); status != 401 && status != 429 {
					t.Errorf("%q: %s %s: %d %s", who, method, path, status, answer)
				}
			}
		}
		for _, authorization := range []string{"Basic " + d.tokens["admin"], d.tokens["admin"], "Bearer  " + d.tokens["admin"], "Bearer " + strings.ToUpper(d.tokens["admin"]), "Bearer " + d.tokens["admin"] + ", Bearer x"} {
			r, err := http.NewRequest(method, d.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", authorization)
			if status, answer := d.do(r); status != 401 && status != 429 {
				t.Errorf("%s %s with %q: %d %s", method, path, authorization, status, answer)
			}
		}
	})
	if status, _ := d.ask("buyer", "GET", "/metrics", nil); status != 403 {
		t.Errorf("a buyer reads /metrics: %d", status)
	}
}

// TestReboundHost: a page whose name was made to point here reaches nothing.
func TestReboundHost(t *testing.T) {
	d := openDesk(t)
	paths := []string{"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/nothing"}
	d.eachOperation(func(_, path string, _ access.Operation) { paths = append(paths, path) })
	for _, path := range paths {
		for host, want := range map[string]bool{
			"evil.example": false, "evil.example:8081": false, "": false, "localhost.evil.example": false, "127.0.0.1.nip.io": false,
			"localhost.": false, "[::2]": false, "[::1": true, "127.0.0.1": true, "LOCALHOST:1": true, "[::1]:8081": true, "[::1]": true,
		} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			d.office.ServeHTTP(w, r)
			if got := w.Code != http.StatusMisdirectedRequest; got != want {
				t.Errorf("%s of host %q: %d", path, host, w.Code)
			}
		}
	}
}

// TestHostileBodies: too large, not JSON, with unknown fields, of the wrong type.
func TestHostileBodies(t *testing.T) {
	d := openDesk(t)
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"expression":"` + strings.Repeat("x", bodyBytes) + `"}`, 413},
		{`{"expression":"` + strings.Repeat("x", 70_000) + `"}`, 422},
		{`{"expression":"seen","exact":true}`, 422},
		{`{"expression":"seen"}{"expression":"seen"}`, 400},
		{`{"expression":{"$gt":""}}`, 422},
		{`{"expression":""}`, 422},
		{`{"expression":null}`, 422},
		{strings.Repeat("[", 100_000), 400},
		{`{`, 400},
		{``, 400},
		{`{"expression":"` + strings.Repeat("(", 5000) + `"}`, 400},
		{`{"expression":"seen"}`, 200},
	} {
		r, err := http.NewRequest(http.MethodPost, d.url+"/v1/count", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+d.tokens["shop"])
		if status, answer := d.do(r); status != c.status {
			t.Errorf("%.60s: %d %.300s, want %d", c.body, status, answer, c.status)
		}
	}
	for _, c := range []struct {
		who, path string
		q         question
	}{
		{"admin", "/v1/users", question{"expression": "seen", "limit": 1_000_000}},
		{"admin", "/v1/users", question{"expression": "seen", "limit": -1}},
		{"buyer", "/v1/size-by-day", question{"expression": "seen", "days": 100_000}},
		{"buyer", "/v1/overlap", question{"expressions": make([]string, 33)}},
		{"buyer", "/v1/overlap", question{"expressions": nil}},
		{"admin", "/v1/tokens", question{"name": "x", "role": "root"}},
		{"admin", "/v1/tokens", question{"name": "x", "role": "buyer", "sites": []string{"none"}}},
	} {
		if status, answer := d.ask(c.who, "POST", c.path, c.q); status != 422 && status != 400 {
			t.Errorf("%s %v: %d %s", c.path, c.q, status, answer)
		}
	}
}

// TestWrongTokens: thousands from one address are sent away, with no body read;
// the right token from the same address goes on.
func TestWrongTokens(t *testing.T) {
	d := openDesk(t)
	slowed := 0
	for i := range 3000 {
		r := httptest.NewRequest(http.MethodPost, "/v1/count", &unread{t})
		r.Host, r.RemoteAddr = "localhost", "192.0.2.7:40000"
		r.Header.Set("Authorization", "Bearer sosie_admin_"+strings.Repeat(string(rune('a'+i%26)), 32))
		w := httptest.NewRecorder()
		d.office.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusUnauthorized:
		case http.StatusTooManyRequests:
			slowed++
			if w.Header().Get("Retry-After") == "" {
				t.Fatal("nothing says when to come back")
			}
		default:
			t.Fatalf("a wrong token: %d %s", w.Code, w.Body)
		}
	}
	if slowed < 2900 {
		t.Errorf("%d of 3000 were slowed", slowed)
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/status", nil)
	r.Host, r.RemoteAddr = "localhost", "192.0.2.7:40001"
	r.Header.Set("Authorization", "Bearer "+d.tokens["admin"])
	w := httptest.NewRecorder()
	if d.office.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Errorf("the right token: %d %s", w.Code, w.Body)
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u *unread) Read([]byte) (int, error) {
	u.t.Error("the body of a stranger was read")
	return 0, http.ErrBodyReadAfterClose
}

// TestRateOfAToken: a buyer's token asks as often as its grant says.
func TestRateOfAToken(t *testing.T) {
	d := openDesk(t)
	made, err := d.house.CreateToken(t.Context(), access.Grant{Name: "slow", Role: access.Buyer, Rate: 1})
	if err != nil {
		t.Fatal(err)
	}
	d.tokens["slow"] = made.Token
	slowed := 0
	for range 20 {
		if status, _ := d.ask("slow", "POST", "/v1/count", expr("seen")); status == http.StatusTooManyRequests {
			slowed++
		}
	}
	if slowed == 0 {
		t.Error("twenty at once with one a second are all answered")
	}
}

// TestDocument: the description is OpenAPI 3.1, and the page about it brings nothing
// from elsewhere.
func TestDocument(t *testing.T) {
	d := openDesk(t)
	_, text := d.ask("", "GET", "/openapi.json", nil)
	var doc struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Paths) < 13 {
		t.Errorf("%v, version %q, %d paths", err, doc.OpenAPI, len(doc.Paths))
	}
	status, page := d.ask("", "GET", "/docs", nil)
	if status != 200 || !strings.Contains(page, "/v1/affinity") {
		t.Errorf("%d %.200s", status, page)
	}
	for _, foreign := range []string{"http://", "https://", "<script", "<link", "<img"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page holds %s", foreign)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, _ := d.ask("", "GET", path, nil); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// FuzzRequest: whatever a stranger sends, he is told nothing.
func FuzzRequest(f *testing.F) {
	o := New(nil, emptyKeyring(f), []string{"localhost"}, false)
	f.Add("POST", "/v1/count", "localhost", "Bearer x", `{"expression":"seen"}`)
	f.Add("GET", "/v1/segments/..%2f..%2fstatus", "localhost:1", "", "")
	f.Add("DELETE", "/v1/labels?name=a&name=b", "[::1]", "bearer sosie_admin_", "")
	f.Fuzz(func(t *testing.T, method, target, host, authorization, body string) {
		r, err := http.NewRequest(method, "http://localhost", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
		r.Host = host
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		public := r.URL.Path == "/docs" || strings.HasPrefix(r.URL.Path, "/openapi") || r.URL.Path == "/healthz"
		if w.Code < 300 && !public {
			t.Fatalf("%s %q of %q: %d %s", method, target, host, w.Code, w.Body)
		}
	})
}
