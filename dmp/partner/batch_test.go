package partner

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"sosie/dmp/access"
	"sosie/storage"
)

func causes(r Receipt) string {
	var out []string
	for _, c := range r.Causes {
		out = append(out, fmt.Sprint(c.Cause, c.Lines))
	}
	return strings.Join(out, " ")
}

// jsonOf is a batch of one event for each user, with the label.
func jsonOf(label string, users ...string) string {
	var events []string
	for _, u := range users {
		events = append(events, fmt.Sprintf(`{"user":%q,"labels":[%q]}`, u, label))
	}
	return `{"events":[` + strings.Join(events, ",") + `]}`
}

func TestEventsAreDurableLabelsOnDays(t *testing.T) {
	s := openSite(t, Limits{})
	shop := s.siteToken("shop")
	today, lastWeek := s.today.String(), (s.today - 7).String()
	status, r := s.events(shop, "1", `{"events":[
		{"user":"site/shop:4711","labels":["bought/racket"],"event":"purchase","id":7,"items":["a",9],"value":49.90,"currency":"EUR"},
		{"user":"site/shop:4711","labels":["interest/tennis","BOUGHT/racket"],"time":"`+lastWeek+`T23:59:59Z"},
		{"user":"site/shop:4712","time":`+fmt.Sprint(time.Now().Unix())+`}]}`)
	if status != 200 || r.Accepted != 3 || r.Refused != 0 || time.Since(r.Received) > time.Minute {
		t.Fatalf("%d %+v", status, r)
	}
	for _, row := range []struct{ id, label, want string }{
		{"4711", "bought/racket", lastWeek + " " + today},
		{"4711", "interest/tennis", lastWeek},
		{"4711", "seen", lastWeek + " " + today},
		{"4711", "site/shop", lastWeek + " " + today},
		{"4712", "site/shop", today},
		{"4712", "bought/racket", ""},
	} {
		days := s.days("site/shop", row.id, row.label)
		slices.Sort(days)
		if got := strings.Join(days, " "); got != row.want {
			t.Errorf("%s has %s on %q, want %q", row.id, row.label, got, row.want)
		}
	}
}

func TestEventsOfVisitors(t *testing.T) {
	s := openSite(t, Limits{})
	visitor, stranger := s.user("site/shop"), s.user("site/news")
	status, r := s.events(s.siteToken("shop"), "1", jsonOf("bought/racket", s.cookie(visitor), s.cookie(stranger), "uforged"))
	if status != 200 || r.Accepted != 1 || causes(r) != "user[2 3]" {
		t.Errorf("%d %+v", status, r)
	}
	s.do(func(*storage.Records) {})
	if bought, err := s.store.View().Carries(s.label("bought/racket"), visitor); err != nil || !bought {
		t.Errorf("the visitor has the label: %v, %v", bought, err)
	}
}

func TestEventsAreRefusedByCause(t *testing.T) {
	s := openSite(t, Limits{})
	out := s.user("site/shop")
	s.do(func(r *storage.Records) { r.Mask(storage.OptedOut, out, true) })
	day := func(n storage.Day) string { return (s.today + n).String() }
	lines := []string{
		`{"user":"site/shop:1","labels":["interest/tennis"]}`,
		`{"user":"site/shop:1","labels":["interest/golf"]}`,
		`{"user":"site/shop:1","labels":["news/politics"]}`,
		`{"user":"site/shop:1","labels":["interest/tennis","news/politics"]}`,
		`{"user":"site/shop:1","labels":["seen"]}`,
		`{"user":"site/shop:1","labels":["site/news"]}`,
		`{"user":"site/news:1","labels":["interest/tennis"]}`,
		`{"user":"crm:1"}`,
		`{"user":""}`,
		`{"user":"site/shop:` + strings.Repeat("x", 300) + `"}`,
		`{"user":"site/shop:a\u0000b"}`,
		`{"user":"site/shop:1","time":"` + day(1) + `"}`,
		`{"user":"site/shop:1","time":"` + day(2) + `"}`,
		`{"user":"site/shop:1","time":"` + day(-29) + `","labels":["interest/tennis"]}`,
		`{"user":"site/shop:1","time":"` + day(-30) + `","labels":["interest/tennis"]}`,
		`{"user":"site/shop:1","time":"` + day(-400) + `"}`,
		`{"user":"site/shop:1","time":"yesterday"}`,
		``,
		`{"user":"site/shop:1","lables":["interest/tennis"]}`,
		`{"user":"site/shop:1"`,
		`{"user":"site/shop:1"}{}`,
		`[]`,
		`{"user":"site/shop:1","event":"Kauf!"}`,
		`{"user":"site/shop:1","labels":[` + strings.TrimSuffix(strings.Repeat(`"interest/tennis",`, 65), ",") + `]}`,
		`{"user":"` + s.cookie(out) + `"}`,
	}
	status, text, _ := s.send(request{method: "POST", path: EventsPath, token: s.siteToken("shop"), kind: typeNDJSON, key: "1", body: strings.Join(lines, "\n")})
	var r Receipt
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	const want = "expired[15 16] future[13] label_excess[24] label_forbidden[3 4 5 6] label_unknown[2] " +
		"malformed[19 20 21 22 23] opted_out[25] space[7 8] time[17] user[9 10 11]"
	if status != 200 || r.Accepted != 3 || r.Refused != len(lines)-4 || causes(r) != want {
		t.Errorf("%d, accepted %d, refused %d: %s", status, r.Accepted, r.Refused, causes(r))
	}
	if days := s.days("site/shop", "1", "news/politics"); days != nil {
		t.Errorf("another site's label was written on %v", days)
	}
}

func TestSameKeySameReceipt(t *testing.T) {
	s := openSite(t, Limits{})
	shop := s.siteToken("shop")
	q := request{method: "POST", path: EventsPath, token: shop, kind: typeJSON, key: "order-1", body: jsonOf("interest/tennis", "site/shop:1", "crm:1")}
	status, first, header := s.send(q)
	if status != 200 || header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %s", status, first)
	}
	users := s.store.HighWater()
	replay := func(when string) {
		t.Helper()
		if status, again, header := s.send(q); status != 200 || again != first || header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: %d %s, want %s", when, status, again, first)
		}
	}
	replay("at once")
	for name, other := range map[string]request{
		"another body":     {body: jsonOf("interest/tennis", "site/shop:2"), path: EventsPath, kind: typeJSON},
		"another consent":  {body: q.body, path: EventsPath + "?consent=none", kind: typeJSON},
		"another form":     {body: q.body, path: EventsPath, kind: typeNDJSON},
		"a body cut short": {body: q.body[:20], path: EventsPath, kind: typeJSON},
	} {
		other.method, other.token, other.key = "POST", shop, q.key
		if status, text, _ := s.send(other); status != 422 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, r := s.events(s.siteToken("shop"), q.key, jsonOf("interest/tennis", "site/shop:2")); status != 200 || r.Accepted != 1 {
		t.Errorf("another token has keys of its own: %d %+v", status, r)
	}
	s.open(Limits{}) // the same directory, as after a restart
	replay("after a restart")
	if status, r := s.events(shop, "order-2", jsonOf("interest/tennis", "site/shop:1")); status != 200 || r.Accepted != 1 {
		t.Errorf("another key: %d %+v", status, r)
	}
	if now := s.store.HighWater(); now > users+1 {
		t.Errorf("%d users were made by replays", now-users)
	}
}

func TestBatchesWithoutConsent(t *testing.T) {
	s := openSite(t, Limits{})
	s.publish("everybody", "seen", "site/shop")
	shop := s.siteToken("shop")
	status, text, _ := s.send(request{method: "POST", path: EventsPath + "?consent=none", token: shop, kind: typeJSON, key: "1", body: jsonOf("interest/tennis", "site/shop:1")})
	if status != 200 {
		t.Fatal(text)
	}
	if status, r := s.events(shop, "2", jsonOf("interest/tennis", "site/shop:2")); status != 200 {
		t.Fatal(r)
	}
	s.do(func(*storage.Records) {})
	if status, got := s.ask(shop, "site/shop:1", "site/shop:2"); status != 200 || got != "; everybody" {
		t.Errorf("%d %q", status, got)
	}
}

func TestEventsRefuse(t *testing.T) {
	s := openSite(t, Limits{})
	shop, both := s.siteToken("shop"), s.siteToken("shop", "news")
	good := jsonOf("interest/tennis", "site/shop:1")
	many := func(n int) string {
		return strings.TrimSuffix(`{"events":[`+strings.Repeat(`{"user":"site/shop:1"},`, n), ",") + "]}"
	}
	before := s.store.HighWater()
	gzip := map[string]string{"Content-Encoding": "gzip"}
	for _, row := range []struct {
		name string
		q    request
		want int
	}{
		{"no token", request{kind: typeJSON, key: "k", body: good}, 401},
		{"a partner", request{token: s.token(access.Grant{Role: access.Partner, Partner: "dsp"}), kind: typeJSON, key: "k", body: good}, 403},
		{"a buyer", request{token: s.token(access.Grant{Role: access.Buyer}), kind: typeJSON, key: "k", body: good}, 403},
		{"an administrator", request{token: s.token(access.Grant{Role: access.Admin}), kind: typeJSON, key: "k", body: good}, 403},
		{"another site", request{path: "?site=news", token: shop, kind: typeJSON, key: "k", body: good}, 403},
		{"two sites, none named", request{token: both, kind: typeJSON, key: "k", body: good}, 400},
		{"no key", request{token: shop, kind: typeJSON, body: good}, 400},
		{"a long key", request{token: shop, kind: typeJSON, key: strings.Repeat("k", 129), body: good}, 400},
		{"a key with spaces", request{token: shop, kind: typeJSON, key: "a b", body: good}, 400},
		{"no type", request{token: shop, key: "k", body: good}, 415},
		{"another type", request{token: shop, kind: "text/csv", key: "k", body: good}, 415},
		{"packed", request{token: shop, kind: typeJSON, key: "k", body: good, header: gzip}, 415},
		{"another consent", request{path: "?consent=some", token: shop, kind: typeJSON, key: "k", body: good}, 400},
		{"no JSON", request{token: shop, kind: typeJSON, key: "k", body: "events"}, 400},
		{"no events", request{token: shop, kind: typeJSON, key: "k", body: "{}"}, 400},
		{"more than events", request{token: shop, kind: typeJSON, key: "k", body: `{"events":[],"site":"news"}`}, 400},
		{"10,000 events", request{token: shop, kind: typeJSON, key: "k", body: many(10_000)}, 413},
		{"1,001 lines", request{token: shop, kind: typeNDJSON, key: "k", body: strings.Repeat(`{"user":"site/shop:1"}`+"\n", 1001)}, 413},
		{"another method", request{method: "GET", token: shop}, 405},
	} {
		if row.q.method == "" {
			row.q.method = "POST"
		}
		row.q.path = EventsPath + row.q.path
		if status, text, _ := s.send(row.q); status != row.want {
			t.Errorf("%s: %d %s, want %d", row.name, status, text, row.want)
		}
	}
	if now := s.store.HighWater(); now != before || s.days("site/shop", "1", "site/shop") != nil {
		t.Error("something was stored")
	}
	if status, r := s.events(shop, "k", many(1000)); status != 200 || r.Accepted != 1000 {
		t.Errorf("the key of a refused batch is still free, and 1,000 events are not too many: %d %+v", status, r)
	}
	if status, r := s.events(shop, "none", `{"events":[]}`); status != 200 || r.Accepted+r.Refused != 0 {
		t.Errorf("an empty batch: %d %+v", status, r)
	}
	status, text, _ := s.send(request{method: "POST", path: EventsPath + "?site=news", token: both, kind: typeJSON, key: "k", body: jsonOf("news/politics", "site/news:1", "site/shop:1")})
	if status != 200 || !strings.Contains(text, `"accepted":1,"refused":1,"causes":[{"cause":"space","lines":[2]}]`) {
		t.Errorf("one of two sites: %d %s", status, text)
	}
}

// TestBodiesThatAreNotRead: a stranger's, and one of more than a mebibyte. The answer
// comes before any of it was sent.
func TestBodiesThatAreNotRead(t *testing.T) {
	s := openSite(t, Limits{})
	for _, row := range []struct {
		token  string
		length int
		status string
	}{
		{"sosie_site_x", 1_000_000, " 401 "},
		{s.siteToken("shop"), 1<<20 + 1, " 413 "},
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
			EventsPath, row.token, row.length)
		if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, row.status) {
			t.Errorf("%d bytes: %q, %v, want%s", row.length, line, err, row.status)
		}
	}
}

func TestEventsHaveARate(t *testing.T) {
	limits := DefaultLimits()
	limits.EventsPerSecond = 1 // and ten at once
	s := openSite(t, limits)
	shop := s.siteToken("shop")
	batch := func(n int) string { return jsonOf("interest/tennis", slices.Repeat([]string{"site/shop:1"}, n)...) }
	if status, _ := s.events(shop, "1", batch(9)); status != 200 {
		t.Fatal(status)
	}
	if status, text, header := s.send(request{method: "POST", path: EventsPath, token: shop, kind: typeJSON, key: "2", body: batch(9)}); status != 429 || header.Get("Retry-After") == "" {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := s.events(shop, "1", batch(9)); status != 200 {
		t.Errorf("%d: to be told of a batch again costs nothing", status)
	}
}

// An empty batch leaves a receipt, and so counts as an event does.
func TestEmptyBatchesHaveARate(t *testing.T) {
	limits := DefaultLimits()
	limits.EventsPerSecond = 1 // and ten at once
	s := openSite(t, limits)
	shop := s.siteToken("shop")
	begun, refused := time.Now(), 0
	for key := range 30 {
		status, text, _ := s.send(request{method: "POST", path: EventsPath, token: shop, kind: typeJSON, key: fmt.Sprint(key), body: `{"events":[]}`})
		switch status {
		case 200:
		case 429:
			refused++
		default:
			t.Fatalf("%d %s", status, text)
		}
	}
	if least := 19 - int(time.Since(begun).Seconds()); refused < least {
		t.Errorf("%d of 30 were refused, want %d", refused, least)
	}
}
