package replay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestLabelOf(t *testing.T) {
	for url, want := range map[string]string{
		"/":                                  "page/root",
		"":                                   "page/root",
		"/ksc.html":                          "page/root",
		"/ksc.html?a/b":                      "page/root",
		"/shuttle/missions/sts.html":         "page/shuttle",
		"/Shuttle/":                          "page/shuttle",
		"/cgi-bin/imagemap?320,200":          "page/cgi-bin",
		"//x/y":                              "page/root",
		"/a.b c%é/x":                         "page/a-b-c---",
		"/" + strings.Repeat("a", 200) + "/": "page/" + strings.Repeat("a", 64),
	} {
		if got := LabelOf(url); got != want {
			t.Errorf("LabelOf(%q) = %q, want %q", url, got, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, s := range []string{"1\ta\tGET\t/\t200", "x\ta\tGET\t/\t200\t1"} {
		if _, err := Read(strings.NewReader(s)); !errors.Is(err, ErrLog) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

const sample = `# comment
1	a	GET	/shuttle/x.html	200	1
2	b	GET	/shuttle/x.html	200	1
3	a	GET	/shuttle/X.GIF	200	1
4	a	POST	/history/	200	1
5	c	HEAD	/	200	1
6	c	GET	/	200	1
`

func TestExpect(t *testing.T) {
	visits, err := Read(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	if len(visits) != 5 || visits[2] != (Visit{time.Unix(4, 0).UTC(), "a", "page/history"}) {
		t.Fatalf("visits %v", visits)
	}
	people := Expect(visits, true)
	for _, c := range []struct {
		holds Condition
		want  []string
	}{
		{everyone, []string{"a", "c"}},
		{has("page/shuttle"), []string{"a"}},
		{no(has("page/shuttle")), []string{"c"}},
		{under("page/"), []string{"a", "c"}},
		{all(has("page/shuttle"), has("page/history")), []string{"a"}},
		{some(has("page/root"), has("page/history")), []string{"a", "c"}},
		{under("page/x"), nil},
	} {
		if got := people.Hosts(c.holds); !slices.Equal(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
	if n := len(Expect(visits, false)); n != 0 {
		t.Errorf("%d people without cookies", n)
	}
	if got := Labels(visits); !slices.Equal(got, []string{"page/history", "page/root", "page/shuttle"}) {
		t.Errorf("labels %v", got)
	}
}

// nasa finds the real log, or skips the test.
func nasa(t *testing.T) []Visit {
	t.Helper()
	root := os.Getenv("SOSIE_DATA")
	for dir := ".."; root == "" && len(dir) < 30; dir = filepath.Join("..", dir) {
		if _, err := os.Stat(filepath.Join(dir, "shared", "data", "nasa")); err == nil {
			root = filepath.Join(dir, "shared", "data")
		}
	}
	found, _ := filepath.Glob(filepath.Join(root, "nasa", "*.tsv.gz"))
	if len(found) == 0 {
		t.Skip("no access log: put the data sets at ../shared/data beside the project or set SOSIE_DATA")
	}
	log, err := Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	visits, err := Read(log)
	if err != nil {
		t.Fatal(err)
	}
	return visits
}

func TestRealLogIsWhatItsDescriptionSays(t *testing.T) {
	visits := nasa(t)
	hosts := map[string]bool{}
	for _, v := range visits {
		hosts[v.Host] = true
	}
	if len(visits) != 9798 || len(hosts) != 2254 {
		t.Errorf("%d visits from %d hosts, want 9,798 from 2,254", len(visits), len(hosts))
	}
	labels := Labels(visits)
	for _, l := range []string{"page/shuttle", "page/root", "page/elv", "page/facts", "page/htbin", "page/cgi-bin", "page/software", "page/procurement", "page/finance", "page/images"} {
		if !slices.Contains(labels, l) {
			t.Errorf("label %s is missing", l)
		}
	}
}

// A server that hands out a number at the first visit and expects it back.
func TestBrowsersKeepTheirCookies(t *testing.T) {
	var asked []string
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		asked = append(asked, fmt.Sprintf("%s %s %s", ctx.QueryArgs().Peek("l"), ctx.Request.Header.Cookie("id"), ctx.Request.Header.Peek("X-Forwarded-For")))
		if ctx.Request.Header.Cookie("id") == nil {
			ctx.Response.Header.Set("Set-Cookie", fmt.Sprintf("id=%d; Path=/", len(asked)))
		}
	}}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	defer func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	}()
	visits, err := Read(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	keeping := &Browsers{URL: "http://" + ln.Addr().String(), Site: "nasa", KeepCookies: true}
	outcome, err := keeping.Visit(context.Background(), visits)
	if err != nil || outcome.Answers[200] != 5 {
		t.Fatalf("%+v, %v", outcome, err)
	}
	want := []string{"page/shuttle  ", "page/shuttle  ", "page/history 1 ", "page/root  ", "page/root 4 "}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	jars := keeping.Jars()
	if len(jars) != 3 || jars[0].Host != "a" || jars[0].Cookies["id"] != "1" || jars[2].Cookies["id"] != "4" {
		t.Errorf("jars %v", jars)
	}
	path := filepath.Join(t.TempDir(), "jars")
	if err := SaveJars(path, jars); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(path)
	if err != nil || strings.Count(string(saved), "\n") != 3 || !strings.Contains(string(saved), `{"host":"a","cookies":{"id":"1"}}`) {
		t.Errorf("saved %q, %v", saved, err)
	}

	asked = nil
	refusing := &Browsers{URL: keeping.URL, Site: "nasa", Forwarded: true}
	if _, err := refusing.Visit(context.Background(), visits); err != nil {
		t.Fatal(err)
	}
	if len(refusing.Jars()) != 0 || strings.Contains(asked[2], " 1 ") || !strings.Contains(asked[2], "10.") {
		t.Errorf("refusers asked %q", asked)
	}
}
