package office

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sosie/dmp"
	"sosie/dmp/access"
	"sosie/pixel"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// desk is a back office that serves until the test ends, and those who ask it.
type desk struct {
	t      testing.TB
	house  *dmp.DMP
	office *Office
	client http.Client
	url    string
	pixel  string
	tokens map[string]string // by a name
}

// openDesk opens a house of two sites, shop and news, and serves all its doors.
func openDesk(t testing.TB) *desk {
	t.Helper()
	dir := t.TempDir()
	config := dmp.Config{Data: filepath.Join(dir, "data"), Keys: filepath.Join(dir, "keys"), Listen: "127.0.0.1:0", Office: "127.0.0.1:0",
		Sites: []pixel.Site{
			{Key: "shop", WithoutSignal: "collect", CountFirstHit: true, Writes: []string{"shop/*"}},
			{Key: "news", WithoutSignal: "collect", CountFirstHit: true, Writes: []string{"news/*"}},
		}}
	for _, name := range []string{"shop/tennis", "shop/racket", "shop/golf", "shop/other", "news/politics", "news/chess"} {
		config.Labels = append(config.Labels, dmp.Label{Name: name})
	}
	house, err := dmp.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, house: house, tokens: map[string]string{}, client: http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}},
		office: New(house, house.Keyring(), dmp.DefaultOfficeHosts(), false)}
	ctx, stop := context.WithCancel(t.Context())
	ready, served := make(chan dmp.Addresses, 1), make(chan error, 1)
	go func() {
		served <- house.ServeDoors(ctx, dmp.Doors{Office: dmp.HTTPDoor(d.office.Server())}, func(at dmp.Addresses) { ready <- at })
	}()
	at := <-ready
	d.url, d.pixel = "http://"+at.Office.String(), "http://"+at.Pixel.String()
	t.Cleanup(func() {
		d.client.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := house.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, g := range map[string]access.Grant{
		"admin":   {Role: access.Admin},
		"buyer":   {Role: access.Buyer, Rate: 1000},
		"shop":    {Role: access.Buyer, Sites: []string{"shop"}, Rate: 1000},
		"news":    {Role: access.Buyer, Sites: []string{"news"}, Rate: 1000},
		"site":    {Role: access.Site, Sites: []string{"shop"}},
		"partner": {Role: access.Partner, Partner: "dsp"},
	} {
		g.Name = name
		made, err := house.CreateToken(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		d.tokens[name] = made.Token
	}
	return d
}

// visit has n new users hit a site.
func (d *desk) visit(n int, site, labels string) {
	d.t.Helper()
	var visiting sync.WaitGroup
	for range n {
		visiting.Go(func() {
			r, err := http.NewRequest(http.MethodGet, d.pixel+"/p.gif?s="+site+"&l="+labels, nil)
			if err != nil {
				d.t.Error(err)
				return
			}
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
			answer, err := d.client.Do(r)
			if err != nil {
				d.t.Error(err)
				return
			}
			answer.Body.Close()
		})
	}
	visiting.Wait()
}

// populate makes 75 users of shop and 50 of news.
func (d *desk) populate() {
	d.t.Helper()
	d.visit(25, "shop", "shop/tennis,shop/racket")
	d.visit(5, "shop", "shop/tennis")
	d.visit(5, "shop", "shop/golf")
	d.visit(40, "shop", "shop/other")
	d.visit(50, "news", "news/politics")
}

// ask sends a request with somebody's token and returns the answer.
func (d *desk) ask(who, method, path string, question any) (status int, answer string) {
	d.t.Helper()
	var body io.Reader
	if question != nil {
		text, err := json.Marshal(question)
		if err != nil {
			d.t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, d.url+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := d.tokens[who]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return d.do(r)
}

func (d *desk) do(r *http.Request) (status int, answer string) {
	d.t.Helper()
	got, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Access-Control-Allow-Origin": ""} {
		if got.Header.Get(name) != want {
			d.t.Errorf("%s %s: %s is %q, want %q", r.Method, r.URL.Path, name, got.Header.Get(name), want)
		}
	}
	return got.StatusCode, string(text)
}

type question map[string]any

func expr(text string) question { return question{"expression": text} }

// TestAnswers: every question, as an administrator and as buyers of the whole house
// and of one site are answered.
func TestAnswers(t *testing.T) {
	d := openDesk(t)
	d.populate()
	for _, c := range []struct {
		who, path string
		q         question
		want      []string
	}{
		{"admin", "/v1/count", expr("seen"), []string{`"count":125,"expression":"seen"`}},
		{"admin", "/v1/count", expr("shop/golf"), []string{`"count":5,`}},
		{"buyer", "/v1/count", expr("seen"), []string{`"count":125,`}},
		{"buyer", "/v1/count", expr("shop/golf"), []string{`"count":"\u003c 20",`}},
		{"buyer", "/v1/count", expr("shop/golf and shop/tennis"), []string{`"count":"\u003c 20",`}},
		{"shop", "/v1/count", expr("seen"), []string{`"count":75,"expression":"seen and site/shop"`}},
		{"shop", "/v1/count", expr("not shop/tennis"), []string{`"count":45,"expression":"not shop/tennis and site/shop"`}},
		{"shop", "/v1/count", expr("shop/tennis or not shop/*"), []string{`"count":30,`, `(shop/tennis or not shop/*) and site/shop`}},
		{"shop", "/v1/count", expr("shop/tennis as of " + today()), []string{`"count":30,`}},
		{"news", "/v1/count", expr("seen"), []string{`"count":50,`}},

		{"admin", "/v1/size-by-day", question{"expression": "shop/golf", "days": 2}, []string{`"users":0},{"day":"` + today() + `","users":5}`}},
		{"buyer", "/v1/size-by-day", question{"expression": "shop/golf", "days": 2}, []string{`"users":"\u003c 20"},{"day":"` + today() + `","users":"\u003c 20"}`}},
		{"shop", "/v1/size-by-day", question{"expression": "not shop/tennis", "days": 1}, []string{`"users":45}`}},

		{"admin", "/v1/overlap", question{"expressions": []string{"shop/tennis", "shop/racket"}},
			[]string{`[{"sets":[0],"users":30},{"sets":[1],"users":25},{"sets":[0,1],"users":25}],"union":30`}},
		// Five users have the one and not the other.
		{"buyer", "/v1/overlap", question{"expressions": []string{"shop/tennis", "shop/racket"}},
			[]string{`[{"sets":[0],"users":30},{"sets":[1],"users":25},{"sets":[0,1],"users":"withheld"}],"union":"withheld"`}},
		{"buyer", "/v1/overlap", question{"expressions": []string{"shop/tennis", "shop/other"}},
			[]string{`{"sets":[0,1],"users":"\u003c 20"}],"union":"withheld"`}},
		{"shop", "/v1/overlap", question{"expressions": []string{"seen", "shop/other"}},
			[]string{`[{"sets":[0],"users":75},{"sets":[1],"users":40},{"sets":[0,1],"users":40}],"union":75`}},

		{"admin", "/v1/affinity", expr("shop/tennis"), []string{`"population":125,"set":30`, `"label":"shop/racket","users":25,"common":25,"of_set":0.8`, `"label":"news/politics"`}},
		{"shop", "/v1/affinity", expr("shop/other"), []string{`"population":75,"set":40`, `{"label":"shop/other","users":40,"common":40,"of_set":1,"of_label":1,"lift":1.875}`,
			`{"label":"shop/golf","users":"\u003c 20","common":"\u003c 20","of_set":null,"of_label":null,"lift":null}`}},
		{"buyer", "/v1/affinity", expr("shop/tennis"), []string{`{"label":"shop/racket","users":25,"common":"withheld","of_set":null,"of_label":null,"lift":null}`}},

		{"admin", "/v1/explain", expr("shop/golf"), []string{`"users":5,"plan":{"does"`}},
		{"buyer", "/v1/explain", expr("shop/golf"), []string{`"users":"\u003c 20","took_ns"`}},
		{"buyer", "/v1/explain", expr("shop/other"), []string{`"users":40,"plan":{"does"`}},
		{"shop", "/v1/explain", expr("seen"), []string{`"users":75,`}},

		{"admin", "/v1/users", question{"expression": "shop/tennis", "limit": 3}, []string{`"names":["p`, `"more":true`}},
		{"admin", "/v1/users", expr("shop/golf"), []string{`"more":false`}},
	} {
		status, answer := d.ask(c.who, http.MethodPost, c.path, c.q)
		if status != http.StatusOK {
			t.Errorf("%s asks %s %v: %d %s", c.who, c.path, c.q, status, answer)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(answer, part) {
				t.Errorf("%s asks %s %v: %s, want %s in it", c.who, c.path, c.q, answer, part)
			}
		}
		if c.who == "shop" && strings.Contains(answer, "news") {
			t.Errorf("shop is told of news: %s", answer)
		}
		d.described(c.path, answer)
	}
}

// TestPlanTellsNoCosts: what a part of a large plan read would tell how few users
// the part means.
func TestPlanTellsNoCosts(t *testing.T) {
	d := openDesk(t)
	d.populate()
	for _, c := range []struct {
		who  string
		told bool
	}{{"admin", true}, {"buyer", false}, {"shop", false}} {
		_, answer := d.ask(c.who, http.MethodPost, "/v1/explain", expr("shop/other and not shop/golf"))
		var got struct{ Plan map[string]any }
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		steps := []map[string]any{got.Plan}
		for i := 0; i < len(steps); i++ {
			for _, cost := range []string{"bitmaps", "took_ns"} {
				if _, told := steps[i][cost]; told != c.told {
					t.Errorf("%s is told %s: %v, in %s", c.who, cost, told, answer)
				}
			}
			parts, _ := steps[i]["of"].([]any)
			for _, part := range parts {
				steps = append(steps, part.(map[string]any))
			}
		}
		if len(steps) < 3 {
			t.Errorf("%s sees a plan without parts: %s", c.who, answer)
		}
	}
}

func today() string { return time.Now().UTC().Format(time.DateOnly) }

// described fails the test where an answer has a field that its description lacks.
func (d *desk) described(path, answer string) {
	d.t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		d.t.Fatal(err)
	}
	api := d.office.api.OpenAPI()
	schema := api.Components.Schemas.SchemaFromRef(api.Paths[path].Post.Responses["200"].Content["application/json"].Schema.Ref)
	for name := range got {
		if schema.Properties[name] == nil {
			d.t.Errorf("%s: the description lacks %s", path, name)
		}
	}
}

// TestSegmentsByFolder: companies on one house do not meet on the shelf.
func TestSegmentsByFolder(t *testing.T) {
	d := openDesk(t)
	d.populate()
	type call struct {
		who, method, path string
		q                 any
		status            int
		says              string
	}
	run := func(calls ...call) {
		t.Helper()
		for _, c := range calls {
			if status, answer := d.ask(c.who, c.method, c.path, c.q); status != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("%s %s %s %v: %d %s, want %d %s", c.who, c.method, c.path, c.q, status, answer, c.status, c.says)
			}
		}
	}
	put := func(expression string, more ...any) question {
		q := question{"expression": expression}
		for i := 0; i < len(more); i += 2 {
			q[more[i].(string)] = more[i+1]
		}
		return q
	}
	run(
		call{"shop", "PUT", "/v1/segments/others", put("not shop/tennis"), 200, `"expression":"not shop/tennis and site/shop","folder":"shop"`},
		call{"shop", "PUT", "/v1/segments/others", put("not shop/tennis and site/shop", "replace", true), 200, `"expression":"not shop/tennis and site/shop"`},
		call{"shop", "GET", "/v1/segments/others", nil, 200, `"users":45}]`},
		call{"news", "PUT", "/v1/segments/readers", put("news/politics", "folder", "news/spring"), 200, `"folder":"news/spring"`},
		call{"admin", "PUT", "/v1/segments/all", put("seen"), 200, `"users":125}]`},
		call{"admin", "PUT", "/v1/segments/lent", put("seen", "folder", "shop"), 200, ``},

		// What an administrator lends is used within the sites; how many it has beyond them stays unsaid.
		call{"shop", "POST", "/v1/count", expr("segment(lent)"), 200, `"count":75,`},
		call{"shop", "GET", "/v1/segments/lent", nil, 200, `"sizes":[]`},
		call{"admin", "POST", "/v1/count", expr("segment(others)"), 200, `"count":45,`},
		call{"buyer", "GET", "/v1/segments/all", nil, 200, `"expression":"seen"`},

		call{"news", "GET", "/v1/segments/others", nil, 404, "no such segment"},
		call{"news", "POST", "/v1/count", expr("segment(others)"), 400, `there is no segment \"others\"`},
		call{"news", "POST", "/v1/count", expr("news/politics and not segment(all)"), 400, `there is no segment \"all\"`},
		call{"news", "PUT", "/v1/segments/x", put("segment(others)"), 400, `there is no segment`},
		call{"news", "PUT", "/v1/segments/others", put("news/politics", "replace", true), 409, "there is one already"},
		call{"news", "PUT", "/v1/segments/x", put("news/politics", "folder", "shop"), 403, "is not one of this token"},
		call{"news", "PUT", "/v1/segments/x", put("news/politics", "folder", "newspaper"), 403, ""},
		call{"news", "PUT", "/v1/segments/x", put("shop/tennis"), 400, "none of your sites"},
		call{"news", "POST", "/v1/segments/others/copy", question{"to": "y"}, 404, ""},
		call{"news", "POST", "/v1/segments/others/rename", question{"to": "y"}, 404, ""},
		call{"news", "DELETE", "/v1/segments/others", nil, 404, ""},
		call{"news", "POST", "/v1/segments/readers/rename", question{"to": "others"}, 409, ""},
		call{"news", "POST", "/v1/segments/readers/copy", question{"to": "readers-too"}, 200, `"folder":"news/spring"`},
		call{"news", "POST", "/v1/segments/readers-too/rename", question{"to": "readers-2"}, 200, ""},
		call{"news", "DELETE", "/v1/segments/readers-2", nil, 200, ""},

		call{"admin", "PUT", "/v1/segments/secret", put("segment(readers)"), 200, ""},
		call{"news", "DELETE", "/v1/segments/readers", nil, 409, "other segments use it\""},
		call{"admin", "DELETE", "/v1/segments/readers", nil, 409, "secret"},
		call{"news", "GET", "/v1/labels", nil, 200, `"labels":[{"name":"news/chess"`},
	)
	for who, hidden := range map[string]string{"news": "shop", "shop": "news"} {
		for _, path := range []string{"/v1/segments", "/v1/labels"} {
			if _, answer := d.ask(who, "GET", path, nil); strings.Contains(answer, hidden) {
				t.Errorf("%s gets of %s: %s", who, path, answer)
			}
		}
	}
	if _, answer := d.ask("news", "GET", "/v1/segments/reader", nil); !strings.Contains(answer, "did you mean readers") || strings.Contains(answer, "others") {
		t.Errorf("the hint is %s", answer)
	}
}

// TestForeignTerms: whatever an expression is made of, what is not a site's own is
// told like what does not exist.
func TestForeignTerms(t *testing.T) {
	d := openDesk(t)
	d.populate()
	for _, form := range []string{"%s", "not %s", "seen and %s", "shop/golf or %s", "%s within 7d", "%s on 2+ days within 7d",
		"between(%s, 2026-10-01, 2026-10-31)", "%s then shop/golf", "shop/golf then %s within 3d", "(%s within 3d) then shop/golf",
		"(seen and (shop/golf or not (%s as of 2026-11-01)))", "(shop/golf or %s) within 5d"} {
		for _, term := range []string{"news/politics", "news/*", "news/nothing", "site/news", "site/*", "site/none", "source/crm"} {
			expression := fmt.Sprintf(form, term)
			for path, q := range map[string]question{"/v1/count": expr(expression), "/v1/explain": expr(expression), "/v1/affinity": expr(expression),
				"/v1/size-by-day": {"expression": expression, "days": 1}, "/v1/overlap": {"expressions": []string{"seen", expression}}} {
				status, answer := d.ask("shop", "POST", path, q)
				if status != 400 || strings.Contains(answer, "did you mean news") || !strings.Contains(answer, "your sites") {
					t.Fatalf("%s %s: %d %s", path, expression, status, answer)
				}
			}
		}
	}
	_, exists := d.ask("shop", "POST", "/v1/count", expr("news/chess"))
	_, not := d.ask("shop", "POST", "/v1/count", expr("news/xhess"))
	if exists != strings.ReplaceAll(not, "xhess", "chess") {
		t.Errorf("what exists is told apart: %s and %s", exists, not)
	}
}

// TestPublishing: only administrators publish, and a token with sites is not told to
// whom.
func TestPublishing(t *testing.T) {
	d := openDesk(t)
	d.populate()
	for _, c := range []struct {
		who, method, path string
		q                 any
		status            int
		says              string
	}{
		{"shop", "PUT", "/v1/segments/fans", question{"expression": "shop/tennis"}, 200, `"folder":"shop"`},
		{"shop", "POST", "/v1/segments/fans/publish", question{"to": "shop"}, 403, ""},
		{"admin", "POST", "/v1/segments/fans/publish", question{"to": "shop"}, 200, `"published_to":["site/shop"]`},
		{"admin", "POST", "/v1/segments/fans/publish", question{"to": "partner/acme"}, 200, `"published_to":["partner/acme","site/shop"]`},
		{"admin", "POST", "/v1/segments/fans/publish", question{"to": "site/nowhere"}, 400, "nowhere"},
		{"admin", "POST", "/v1/segments/none/publish", question{"to": "shop"}, 404, "none"},
		{"admin", "GET", "/v1/segments/fans", nil, 200, `"published_to":["partner/acme","site/shop"]`},
		{"admin", "DELETE", "/v1/segments/fans", nil, 409, ""},
		{"admin", "POST", "/v1/segments/fans/unpublish", question{"to": "partner/acme"}, 200, `"published_to":["site/shop"]`},
		{"admin", "POST", "/v1/segments/fans/unpublish", question{"to": "shop"}, 200, `"name":"fans"`},
		{"admin", "DELETE", "/v1/segments/fans", nil, 200, ""},
	} {
		if status, answer := d.ask(c.who, c.method, c.path, c.q); status != c.status || !strings.Contains(answer, c.says) {
			t.Errorf("%s %s %s %v: %d %s, want %d %s", c.who, c.method, c.path, c.q, status, answer, c.status, c.says)
		}
	}
	d.ask("shop", "PUT", "/v1/segments/fans", question{"expression": "shop/tennis"})
	d.ask("admin", "POST", "/v1/segments/fans/publish", question{"to": "shop"})
	if _, answer := d.ask("shop", "GET", "/v1/segments", nil); !strings.Contains(answer, "fans") || strings.Contains(answer, "published_to") {
		t.Errorf("a token with sites is told %s", answer)
	}
}
