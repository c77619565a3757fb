package dmp

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sosie/audience/members"
	"sosie/audience/segments"
	"sosie/dmp/access"
	"sosie/dmp/partner"
	"sosie/pixel/rules"
	"sosie/storage"
)

// TestPublish: who is in a published segment can be read at once, by the names that
// were said, and the segment keeps its name until it is unpublished.
func TestPublish(t *testing.T) {
	s := serve(t, testConfig(t))
	b := newBrowser(t, s.pixel)
	b.hit("interest/tennis")
	b.hit("")
	ctx := t.Context()
	if _, err := s.client.SaveSegment(ctx, segments.Segment{Name: "fans", Expression: "interest/tennis"}, false); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		to, says, hint string
	}{
		{"shop", "", ""},
		{"acme-dsp", "", ""},
		{"partner/shop", "", ""},
		{"shopp", `no site "shopp"`, "Did you mean the site shop?"},
		{"site/news", "not in the configuration", "The sites are: shop."},
		{"Not a name", "no name of a partner", "A destination is"},
	} {
		_, err := s.client.PublishSegment(ctx, "fans", row.to)
		if row.says == "" && err != nil || row.says != "" && (!errors.Is(err, ErrSegment) || !strings.Contains(err.Error(), row.says) || !strings.Contains(Hint(err), row.hint)) {
			t.Errorf("published to %s: %v, hint %q", row.to, err, Hint(err))
		}
	}
	saved, err := s.client.Segment(ctx, "fans")
	if err != nil || strings.Join(saved.PublishedTo, " ") != "partner/acme-dsp partner/shop site/shop" {
		t.Fatalf("published to %v, %v", saved.PublishedTo, err)
	}
	status, err := s.client.Status(ctx)
	if err != nil || status.Members.Segments != 1 || !strings.Contains(status.Board(), "published") {
		t.Errorf("status %+v, %v\n%s", status.Members, err, status.Board())
	}
	for what, err := range map[string]error{
		"delete": s.client.DeleteSegment(ctx, "fans"), "rename": s.client.RenameSegment(ctx, "fans", "friends"),
	} {
		if !errors.Is(err, ErrSegment) || !strings.Contains(Hint(err), "unpublish") {
			t.Errorf("%s: %v, hint %q", what, err, Hint(err))
		}
	}
	for _, to := range []string{"shop", "acme-dsp", "partner/shop"} {
		if saved, err = s.client.UnpublishSegment(ctx, "fans", to); err != nil {
			t.Error(err)
		}
	}
	if len(saved.PublishedTo) > 0 {
		t.Errorf("still published to %v", saved.PublishedTo)
	}
	if _, err := s.client.UnpublishSegment(ctx, "fans", "shop"); !errors.Is(err, ErrSegment) {
		t.Errorf("unpublished twice: %v", err)
	}
	if err := s.client.DeleteSegment(ctx, "fans"); err != nil {
		t.Error(err)
	}
}

// A site that has left the configuration can still be unpublished.
func TestUnpublishFromASiteThatIsGone(t *testing.T) {
	config := testConfig(t)
	d := mustOpen(t, config)
	if _, err := d.SaveSegment(t.Context(), segments.Segment{Name: "fans", Expression: "seen"}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.PublishSegment(t.Context(), "fans", "shop"); err != nil {
		t.Fatal(err)
	}
	d.declared.Store(&declared{})
	if _, err := d.UnpublishSegment(t.Context(), "fans", "site/shop"); err != nil {
		t.Error(err)
	}
}

// A destination is a site of the configuration that is in place, not of the one
// that the server was started with.
func TestPublishAfterAReload(t *testing.T) {
	s, write := reloading(t, reloadBefore)
	if _, err := s.client.SaveSegment(t.Context(), segments.Segment{Name: "fans", Expression: "seen"}, false); err != nil {
		t.Fatal(err)
	}
	write("sites: [{key: blog}]\n")
	if _, err := s.client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	saved, err := s.client.PublishSegment(t.Context(), "fans", "blog")
	if err != nil || strings.Join(saved.PublishedTo, " ") != "site/blog" {
		t.Errorf("published to %v, %v", saved.PublishedTo, err)
	}
	if _, err := s.client.PublishSegment(t.Context(), "fans", "site/shop"); !errors.Is(err, ErrSegment) || !strings.Contains(Hint(err), "The sites are: blog.") {
		t.Errorf("published to a site that is gone: %v, hint %q", err, Hint(err))
	}
}

// One published segment too many is refused, and costs the others nothing.
func TestPublishBeyondMemory(t *testing.T) {
	d := mustOpen(t, testConfig(t))
	d.members = members.New(d.store, members.Options{Memory: 1})
	at := "served"
	d.serving.Store(&at) // so that what is published is evaluated
	var r storage.Records
	r.Hit(1, storage.DayOf(time.Now()))
	if _, err := d.store.Append(&r); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SaveSegment(t.Context(), segments.Segment{Name: "everybody", Expression: "seen"}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.PublishSegment(t.Context(), "everybody", "shop"); !errors.Is(err, members.ErrMemory) {
		t.Errorf("published: %v", err)
	}
	if saved, err := d.Segment(t.Context(), "everybody"); err != nil || len(saved.PublishedTo) > 0 {
		t.Errorf("published to %v, %v", saved.PublishedTo, err)
	}
}

// TestPartnerDoor sends an event of a site's server to a whole house, and reads the
// membership that follows from it.
func TestPartnerDoor(t *testing.T) {
	config := testConfig(t)
	config.Labels[1].Signed = true
	config.Sites[0].Rules = []rules.Rule{{Event: rules.Any{"newsletter"}, Labels: []string{"interest/tennis"}}}
	d := mustOpen(t, config)
	door, err := d.PartnerDoor()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, done := door.Server(), make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(server.Shutdown(), <-done, door.Close()); err != nil {
			t.Error(err)
		}
	}()
	made, err := d.CreateToken(t.Context(), access.Grant{Name: "till", Role: access.Site, Sites: []string{"shop"}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Addr().String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+made.Token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "1")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("%s: %d %s %v", path, answer.StatusCode, text, err)
		}
		return string(text)
	}
	if got := send("POST", "/v1/events", `{"events":[{"user":"site/shop:4711","labels":["bought/racket"],"event":"newsletter"}]}`); !strings.Contains(got, `"accepted":1,"refused":0`) {
		t.Error(got)
	}
	if _, err := d.SaveSegment(t.Context(), segments.Segment{Name: "buyers", Expression: "bought/racket and interest/tennis"}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.PublishSegment(t.Context(), "buyers", "shop"); err != nil {
		t.Fatal(err)
	}
	if err := d.members.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := send("POST", "/v1/events", `{"events":[{"user":"site/shop:4711","labels":["bought/racket"],"event":"newsletter"}]}`); !strings.Contains(got, `"accepted":1`) {
		t.Error(got) // the same receipt
	}
	if got := send("GET", "/v1/segments?user=site/shop:4711", ""); !strings.Contains(got, `"users":[{"user":"site/shop:4711","segments":["buyers"]}]`) {
		t.Error(got)
	}
	s, err := d.Status(t.Context())
	if want := (partner.Counters{Lookups: 1, Users: 1, Batches: 2, Replayed: 1, Accepted: 1}); err != nil || s.Partner == nil || *s.Partner != want {
		t.Errorf("the status counts %+v, want %+v, %v", s.Partner, want, err)
	}
}
