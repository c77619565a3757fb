package partner

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sosie/audience"
	"sosie/audience/members"
	"sosie/audience/segments"
	"sosie/dmp/access"
	"sosie/dmp/intake"
	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/pixel/rules"
	"sosie/storage"
)

// site is a whole house behind a door on loopback: the sites shop and news, the
// labels bought/racket (signed), interest/tennis and news/politics, which shop may
// not write.
type site struct {
	t       testing.TB
	store   *storage.Store
	keys    *identity.Keys
	tokens  *access.Keyring
	members *members.Members
	shelf   *segments.Shelf
	house   House
	door    *Door
	url     string
	today   storage.Day
}

func openSite(t testing.TB, limits Limits) *site {
	t.Helper()
	s := &site{t: t}
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.store, err = storage.Open(storage.Options{Dir: dir, Reserve: 1})
	must(err)
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.keys, err = identity.CreateKeys(filepath.Join(t.TempDir(), "keys"), s.store.ID())
	must(err)
	_, err = s.store.Declare(storage.LabelSpec{Name: "bought/racket", Signed: true}, storage.LabelSpec{Name: "interest/tennis", Retention: 30}, storage.LabelSpec{Name: "news/politics"})
	must(err)
	p, err := pixel.New(pixel.Config{Sites: []pixel.Site{
		{Key: "shop", Writes: []string{"bought/*", "interest/*"}}, {Key: "news", Writes: []string{"news/*"}},
	}}, s.keys, s.store, nil)
	must(err)
	s.tokens, err = access.Open(s.store.Documents())
	must(err)
	s.shelf = segments.New(s.store.Documents(), func(e audience.Expr, r audience.Resolver) error {
		_, _, err := audience.Compile(s.store.View(), e, r)
		return err
	}, nil)
	s.members = members.New(s.store, members.Options{})
	s.today = storage.DayOf(time.Now())
	s.house = House{
		Keyring: s.tokens, Store: s.store, Members: s.members, Arrivals: intake.NewArrivals(s.store),
		Pseudonyms: s.keys.Partner, Visitor: p.Visitor, Writes: p.MayWrite, Rules: noRules, Dir: dir, Clock: time.Now,
	}
	s.open(limits)
	return s
}

// noRules are the rules of a site that has none.
func noRules(string) (func(*rules.Page) []string, []string, error) {
	return func(*rules.Page) []string { return nil }, nil, nil
}

// open serves the door until the test ends.
func (s *site) open(limits Limits) {
	s.t.Helper()
	door, err := New(s.house, limits)
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := door.Server()
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	s.door, s.url = door, "http://"+l.Addr().String()
	s.t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(server.Shutdown(), <-done, door.Close()); err != nil {
			s.t.Error(err)
		}
	})
}

// token makes a token: of a partner, or of sites.
func (s *site) token(g access.Grant) string {
	s.t.Helper()
	g.Name = "test"
	token, _, err := s.tokens.Create(g)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

func (s *site) siteToken(sites ...string) string {
	return s.token(access.Grant{Role: access.Site, Sites: sites})
}

// do makes what was recorded show in the store's view, and its memberships be
// evaluated.
func (s *site) do(change func(*storage.Records)) {
	s.t.Helper()
	var r storage.Records
	change(&r)
	if r.Len() > 0 {
		if _, err := s.store.Append(&r); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := errors.Join(s.store.Sync(), s.members.Refresh(context.Background())); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) publish(name, expression string, to ...string) {
	s.t.Helper()
	s.do(func(*storage.Records) {})
	_, err := s.shelf.Save(segments.Segment{Name: name, Expression: expression}, false)
	for _, to := range to {
		err = errors.Join(err, s.shelf.Publish(name, to))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) label(name string) storage.Label {
	s.t.Helper()
	l, ok := s.store.Labels().Lookup(name)
	if !ok {
		s.t.Fatalf("no label %s", name)
	}
	return l
}

// user is one who was seen on the sites, with labels, today.
func (s *site) user(labels ...string) storage.Ordinal {
	s.t.Helper()
	u, err := s.store.NewUser()
	if err != nil {
		s.t.Fatal(err)
	}
	var numbers []storage.Label
	for _, l := range labels {
		numbers = append(numbers, s.label(l))
	}
	s.do(func(r *storage.Records) { r.Hit(u, s.today, numbers...) })
	return u
}

func (s *site) cookie(u storage.Ordinal) string {
	return s.keys.SealUser(identity.UserCookie{Ordinal: u, Epoch: s.store.Epoch(), Born: s.today})
}

// request is one to the door.
type request struct {
	method, path, token, kind, key, body string
	header                               map[string]string
}

func (s *site) send(q request) (status int, body string, header http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), q.method, s.url+q.path, strings.NewReader(q.body))
	if err != nil {
		s.t.Fatal(err)
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.kind != "" {
		r.Header.Set("Content-Type", q.kind)
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

// events sends a batch of JSON.
func (s *site) events(token, key, body string) (int, Receipt) {
	s.t.Helper()
	status, text, _ := s.send(request{method: "POST", path: EventsPath, token: token, kind: typeJSON, key: key, body: body})
	var r Receipt
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		s.t.Fatalf("%d %s: %v", status, text, err)
	}
	return status, r
}

// days returns the days a user named by an id has a label, by text.
func (s *site) days(space, id, label string) (days []string) {
	s.t.Helper()
	s.do(func(*storage.Records) {})
	number, ok := s.store.LookupSpace(space)
	if !ok {
		return nil
	}
	u, _, ok, err := s.store.IDs().Lookup(number, []byte(id))
	if err != nil || !ok {
		return nil
	}
	err = s.store.View().UserDays(u, func(l storage.Label, day storage.Day) {
		if l == s.label(label) {
			days = append(days, day.String())
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return days
}
