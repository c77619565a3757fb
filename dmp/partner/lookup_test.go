package partner

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"sosie/dmp/access"
	"sosie/storage"
)

// ask asks for users and returns "user: segments; …", or the error.
func (s *site) ask(token string, users ...string) (int, string) {
	s.t.Helper()
	query := url.Values{"user": users}
	status, text, header := s.send(request{method: "GET", path: SegmentsPath + "?" + query.Encode(), token: token})
	if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Content-Type") != "application/json" {
		s.t.Errorf("headers %v", header)
	}
	var answer struct {
		Users []struct {
			User     string
			Segments []string
		}
		Seq   uint64
		Day   storage.Day
		At    time.Time
		Error string
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.t.Fatalf("%d %q: %v", status, text, err)
	}
	if status != 200 {
		return status, answer.Error
	}
	if answer.Seq == 0 || answer.Day != s.today || time.Since(answer.At) > time.Minute {
		s.t.Errorf("stamp of %s", text)
	}
	var out []string
	for i, u := range answer.Users {
		if u.User != users[i] || u.Segments == nil {
			s.t.Errorf("asked for %q, told %s", users[i], text)
		}
		out = append(out, strings.Join(u.Segments, " "))
	}
	return status, strings.Join(out, "; ")
}

// published is a house with a fan of tennis who was on the shop's site and is known
// to the partner dsp, one of politics who was on the news site, and segments
// published to each.
func published(t *testing.T) (s *site, fan, reader storage.Ordinal) {
	s = openSite(t, Limits{})
	fan, reader = s.user("site/shop", "interest/tennis"), s.user("site/news", "news/politics")
	s.publish("fans", "interest/tennis", "site/shop", "partner/dsp")
	s.publish("readers", "news/politics", "site/news", "partner/other")
	s.publish("everybody", "seen", "site/shop", "site/news")
	s.do(func(*storage.Records) {})
	return s, fan, reader
}

func TestPartnerReadsWhatWasPublishedToIt(t *testing.T) {
	s, fan, reader := published(t)
	dsp, other := s.token(access.Grant{Role: access.Partner, Partner: "dsp"}), s.token(access.Grant{Role: access.Partner, Partner: "other"})
	names, err := s.keys.Partner("dsp")
	if err != nil {
		t.Fatal(err)
	}
	space, err := s.store.Space("partner/dsp")
	if err != nil {
		t.Fatal(err)
	}
	s.do(func(r *storage.Records) { r.ID(space, []byte("a:1"), fan, s.today) })
	fanName, readerName := string(names.Name(nil, fan)), string(names.Name(nil, reader))
	for _, row := range []struct {
		token string
		users []string
		want  string
	}{
		{dsp, []string{fanName}, "fans"},
		{dsp, []string{readerName}, ""},
		{dsp, []string{"partner/dsp:a:1", "partner/dsp:none", fanName, fanName}, "fans; ; fans; fans"},
		{dsp, []string{"nonsense", "p", strings.Repeat("x", 28), "\u00e9\"\\"}, "; ; ; "},
		{dsp, []string{s.cookie(fan)}, ""},                            // a cookie is no pseudonym
		{dsp, []string{string(names.Name(nil, 40)), "\x00"}, "; "},    // of a user who never was
		{other, []string{fanName, readerName}, "; "},                  // another partner's names
		{other, []string{"partner/other:1", "partner/other:2"}, "; "}, // a space nobody declared
	} {
		if status, got := s.ask(row.token, row.users...); status != 200 || got != row.want {
			t.Errorf("%q: %d %q, want %q", row.users, status, got, row.want)
		}
	}
	for _, user := range []string{"partner/dsp:a:1", "site/shop:1", "crm:1", ":", "partner/other:"} {
		if status, got := s.ask(other, fanName, user); status != 403 {
			t.Errorf("%q of another's space: %d %q", user, status, got)
		}
	}
}

func TestSiteReadsItsOwnVisitors(t *testing.T) {
	s, fan, reader := published(t)
	shop, news, both := s.siteToken("shop"), s.siteToken("news"), s.siteToken("shop", "news")
	space, err := s.store.Space("site/shop")
	if err != nil {
		t.Fatal(err)
	}
	s.do(func(r *storage.Records) { r.ID(space, []byte("4711"), fan, s.today) })
	for _, row := range []struct {
		who, token, user, want string
	}{
		{"a visitor", shop, s.cookie(fan), "everybody fans"},
		{"another site's visitor", shop, s.cookie(reader), ""},
		{"a visitor of the other", news, s.cookie(reader), "everybody readers"},
		{"a visitor of one of two", both, s.cookie(fan), "everybody fans"},
		{"an own id", shop, "site/shop:4711", "everybody fans"},
		{"an own id that is new", shop, "site/shop:4712", ""},
		{"a forged cookie", shop, s.cookie(fan)[:30] + "xyz", ""},
		{"a cookie of nobody", shop, s.cookie(77), ""},
	} {
		if status, got := s.ask(row.token, row.user); status != 200 || got != row.want {
			t.Errorf("%s: %d %q, want %q", row.who, status, got, row.want)
		}
	}
	if status, got := s.ask(news, "site/shop:4711"); status != 403 {
		t.Errorf("another site's id: %d %q", status, got)
	}
}

func TestOptOutIsNotAnsweredLate(t *testing.T) {
	s, fan, _ := published(t)
	shop := s.siteToken("shop")
	var r storage.Records
	r.Mask(storage.OptedOut, fan, true)
	if _, err := s.store.Append(&r); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Sync(); err != nil { // and no evaluation
		t.Fatal(err)
	}
	if status, got := s.ask(shop, s.cookie(fan)); status != 200 || got != "" {
		t.Errorf("%d %q of a user who opted out", status, got)
	}
}

func TestNoMembershipsNoAnswer(t *testing.T) {
	s := openSite(t, Limits{})
	if status, got := s.ask(s.siteToken("shop"), "site/shop:1"); status != 503 || strings.Contains(got, "old") {
		t.Errorf("%d %q before the first evaluation", status, got)
	}
	if c := s.door.Counters(); c.Unavailable != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestLookupRefuses(t *testing.T) {
	limits := DefaultLimits()
	limits.UsersPerSecond = 1 // and ten at once
	limits.Users = 8
	s := openSite(t, limits)
	s.do(func(*storage.Records) {})
	shop := s.siteToken("shop")
	many := strings.Repeat("&user=site/shop:1", 9)
	for _, row := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"no token", "GET", SegmentsPath + "?user=x", "", 401},
		{"a wrong token", "GET", SegmentsPath + "?user=x", shop + "x", 401},
		{"a buyer", "GET", SegmentsPath + "?user=x", s.token(access.Grant{Role: access.Buyer}), 403},
		{"an administrator", "GET", SegmentsPath + "?user=x", s.token(access.Grant{Role: access.Admin}), 403},
		{"no user", "GET", SegmentsPath, shop, 400},
		{"too many users", "GET", SegmentsPath + "?" + many, shop, 413},
		{"another method", "DELETE", SegmentsPath + "?user=x", shop, 405},
		{"another path", "GET", "/v1/users", shop, 404},
		{"a path beside", "GET", "/v1/segments/../users", shop, 404},
		{"a long line", "GET", SegmentsPath + "?user=" + strings.Repeat("x", 40<<10), shop, 431},
		{"within the rate", "GET", SegmentsPath + "?" + many[:8*len("&user=site/shop:1")], shop, 200},
		{"beyond the rate", "GET", SegmentsPath + "?" + many[:8*len("&user=site/shop:1")], shop, 429},
	} {
		status, text, header := s.send(request{method: row.method, path: row.path, token: row.token})
		if status != row.want {
			t.Errorf("%s: %d %s, want %d", row.name, status, text, row.want)
		}
		var f failure
		if err := json.Unmarshal([]byte(text), &f); err != nil || status != 200 && f.Error == "" {
			t.Errorf("%s: %q is no failure: %v", row.name, text, err)
		}
		if status == 429 && header.Get("Retry-After") == "" || status == 401 && header.Get("Www-Authenticate") == "" {
			t.Errorf("%s: headers %v", row.name, header)
		}
	}
	if c := s.door.Counters(); c.Unauthorized != 2 || c.Forbidden != 2 || c.TooLarge != 2 || c.TooOften != 1 || c.Lookups != 1 || c.Users != 8 {
		t.Errorf("counters %+v", c)
	}
}

func TestRevokedTokenOpensNothing(t *testing.T) {
	s := openSite(t, Limits{})
	s.do(func(*storage.Records) {})
	token, grant, err := s.tokens.Create(access.Grant{Role: access.Site, Sites: []string{"shop"}, Name: "till"})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := s.ask(token, "site/shop:1"); status != 200 {
		t.Fatal(status)
	}
	if err := s.tokens.Revoke(grant.ID); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.ask(token, "site/shop:1"); status != 401 {
		t.Errorf("%d after it was revoked", status)
	}
}

func TestTextsAreJSON(t *testing.T) {
	for _, text := range []string{"", "plain", `"`, `\`, "\x00", "é", "\xff", "</script>"} {
		var got string
		if err := json.Unmarshal(appendText(nil, []byte(text)), &got); err != nil || got != strings.ToValidUTF8(text, "\ufffd") {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}

// BenchmarkLookup answers one user named by a pseudonym, and one by an id, without
// the network.
func BenchmarkLookup(b *testing.B) {
	s := openSite(b, Limits{})
	for i := range 10 {
		s.publish(fmt.Sprintf("s%d", i), "seen", "partner/dsp")
	}
	u := s.user("interest/tennis")
	space, err := s.store.Space("partner/dsp")
	if err != nil {
		b.Fatal(err)
	}
	s.do(func(r *storage.Records) { r.ID(space, []byte("4711"), u, s.today) })
	names, err := s.keys.Partner("dsp")
	if err != nil {
		b.Fatal(err)
	}
	for _, ref := range []string{string(names.Name(nil, u)), "partner/dsp:4711"} {
		b.Run(ref[:8], func(b *testing.B) { benchmarkLookup(b, s, ref) })
	}
}
