package dmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sosie/dmp/intake"
	"sosie/pixel"
	"sosie/pixel/rules"
	"sosie/storage"
)

func csvRequest() ImportRequest {
	return ImportRequest{File: "f.csv", Format: intake.CSV, IDSpace: "crm", MaxLabels: 100, MaxErrors: 2}
}

// people writes a CSV file of today.
func people(rows int) []byte {
	out := bytes.NewBufferString("user,label,time\n")
	for i := range rows {
		fmt.Fprintf(out, "customer-%d,bought/%d,%s\n", i, i%5, time.Now().UTC().Format(time.DateOnly))
	}
	return out.Bytes()
}

// TestImportBothWays asks the same of the store and of the socket.
func TestImportBothWays(t *testing.T) {
	s := serve(t, testConfig(t))
	rows := people(50_000)
	for name, e := range map[string]Engine{"store": s.DMP, "socket": s.client} {
		q := csvRequest()
		q.IDSpace = name
		var told []uint64
		receipt, err := e.Import(t.Context(), q, bytes.NewReader(rows), func(so Receipt) { told = append(told, so.Rows) })
		if err != nil || receipt.Stored != 50_000 || receipt.UsersNew != 50_000 || receipt.Ended.IsZero() || receipt.Bytes != int64(len(rows)) {
			t.Fatalf("%s: %+v, %v", name, receipt, err)
		}
		if len(told) == 0 || !slices.IsSorted(told) {
			t.Errorf("%s: progress %v", name, told)
		}
		n, err := e.Count(t.Context(), "source/"+name+" and bought/3")
		if err != nil || n.Count != 10_000 {
			t.Errorf("%s: %d users, %v", name, n.Count, err)
		}
	}
}

// TestImportFails: the receipt and the reason come through the socket also while
// the file is still on its way.
func TestImportFails(t *testing.T) {
	s := serve(t, testConfig(t))
	bad := append(people(20_000), bytes.Repeat([]byte("x\n"), 3_000_000)...)
	broken := errors.New("the disk of the file broke")
	of := func(text []byte) func() io.Reader { return func() io.Reader { return bytes.NewReader(text) } }
	for _, row := range []struct {
		name   string
		change func(*ImportRequest)
		file   func() io.Reader
		is     error
		says   string
		stored uint64
	}{
		{"request", func(q *ImportRequest) { q.IDSpace = "" }, of(bad), ErrRequest, "id space is required", 0},
		{"too many bad lines", func(*ImportRequest) {}, of(bad), intake.ErrTooManyBad, "line 20004: 1 fields", 20_000},
		{"header", func(*ImportRequest) {}, of([]byte("a,b\n")), ErrFile, "line 1 names the columns", 0},
		{"file", func(*ImportRequest) {}, func() io.Reader { return io.MultiReader(bytes.NewReader(people(10)), failing{broken}) }, nil, broken.Error(), anyNumber},
		{"site", func(q *ImportRequest) { q.Format, q.IDSpace, q.Site = intake.AccessLog, "", "shp" }, of(nil), ErrRequest, `site "shp"`, 0},
	} {
		for name, e := range map[string]Engine{"store": s.DMP, "socket": s.client} {
			q := csvRequest()
			row.change(&q)
			receipt, err := e.Import(t.Context(), q, row.file(), nil)
			if err == nil || !strings.Contains(err.Error(), row.says) || row.stored != anyNumber && receipt.Stored != row.stored {
				t.Errorf("%s, %s: %v, %d rows stored, want %d and %q", row.name, name, err, receipt.Stored, row.stored, row.says)
			}
			if row.is != nil && name == "store" && !errors.Is(err, row.is) {
				t.Errorf("%s, %s: %v is not %v", row.name, name, err, row.is)
			}
			if fault := (*Error)(nil); !errors.As(err, &fault) {
				t.Errorf("%s, %s: %v is no *Error", row.name, name, err)
			}
		}
	}
}

// anyNumber of rows may be stored.
const anyNumber = 1 << 63

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestImportsTakeTurns brings the same new ids in twice at once.
func TestImportsTakeTurns(t *testing.T) {
	s := serve(t, testConfig(t))
	rows := people(20_000)
	var all sync.WaitGroup
	for _, e := range []Engine{s.DMP, s.client, s.client} {
		all.Go(func() {
			if _, err := e.Import(t.Context(), csvRequest(), bytes.NewReader(rows), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n, err := s.Count(t.Context(), "seen"); err != nil || n.Count != 20_000 {
		t.Errorf("%d users, %v", n.Count, err)
	}
}

// TestServerStopsDuringImport: a server told to stop does not wait for a file
// that nobody sends.
func TestServerStopsDuringImport(t *testing.T) {
	s := serve(t, testConfig(t))
	file, sender := io.Pipe()
	defer sender.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := s.client.Import(t.Context(), csvRequest(), file, nil)
		answered <- err
	}()
	if _, err := sender.Write(people(1)); err != nil {
		t.Fatal(err)
	}
	for len(s.importing) == 0 {
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > drainTimeout {
		t.Errorf("stopping took %s", took)
	}
	if err := <-answered; err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("the sender was told %v", err)
	}
}

// TestCancelledImport keeps what came before it, and another one goes on.
func TestCancelledImport(t *testing.T) {
	d := mustOpen(t, testConfig(t))
	ctx, cancel := context.WithCancel(t.Context())
	rows := people(60_000)
	receipt, err := d.Import(ctx, csvRequest(), bytes.NewReader(rows), func(Receipt) { cancel() })
	if !errors.Is(err, context.Canceled) || receipt.Failed == "" || receipt.Stored == 60_000 {
		t.Errorf("%+v, %v", receipt, err)
	}
	again, err := d.Import(t.Context(), csvRequest(), bytes.NewReader(rows), nil)
	if err != nil || again.UsersKnown < receipt.UsersNew || again.UsersNew+again.UsersKnown != 60_000 {
		t.Errorf("%+v after %+v, %v", again, receipt, err)
	}
	if n, err := d.Count(t.Context(), "seen"); err != nil || n.Count != 60_000 {
		t.Errorf("%d users, %v", n.Count, err)
	}
}

// TestAccessLog goes through a site's rules; its clients are not exported by
// name, and are different people in another file.
func TestAccessLog(t *testing.T) {
	c := testConfig(t)
	c.Sites = []pixel.Site{{Key: "shop", Writes: []string{"page/*"}, Rules: []rules.Rule{
		{Path: rules.Any{"/shuttle/*"}, Labels: rules.Any{"page/shuttle", "page/deleted"}}, {Path: rules.Any{"/racket"}, Labels: rules.Any{"page/racket"}},
		{Query: map[string]rules.Any{"x": {"*"}}, Device: rules.Any{"desktop"}, Hours: rules.Any{"10"}, Labels: rules.Any{"page/desk"}},
		{Path: rules.Any{"/racket"}, Hours: rules.Any{"11"}, Labels: rules.Any{"page/late"}},
	}}}
	c.Labels = []Label{{Name: "page/shuttle"}, {Name: "page/desk"}, {Name: "page/late"}}
	d := mustOpen(t, c)
	if err := d.DeleteLabel(t.Context(), "page/deleted"); !errors.Is(err, ErrReadOnly) {
		t.Fatalf("a label that a rule grants may be deleted: %v", err)
	}
	if err := d.store.DeleteLabel("page/deleted"); err != nil {
		t.Fatal(err)
	}
	day := time.Now().UTC().Format("02/Jan/2006")
	log := strings.ReplaceAll(`10.0.0.1 - - [DAY:10:00:00 +0000] "GET /shuttle/a.html HTTP/1.0" 200 7
10.0.0.1 - - [DAY:10:00:00 +0000] "GET /racket HTTP/1.0" 200 7
2001:db8::1 - - [DAY:10:00:01 +0000] "GET /racket?x=/shuttle/ HTTP/1.1" 304 - "-" "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
10.0.0.3 - - [DAY:10:00:02 +0000] "GET /shuttle/ HTTP/1.1" 200 7 "-" "Googlebot/2.1 (+http://www.google.com/bot.html)"
10.0.0.4 - - [DAY:10:00:02 +0000] "POST /shuttle/ HTTP/1.1" 200 7
10.0.0.5 - - [DAY:10:00:02 +0000] "GET /shuttle/ HTTP/1.1" 404 7
`, "DAY", day)
	q := ImportRequest{File: "access.log", Format: intake.AccessLog, Site: "shop"}
	receipt, err := d.Import(t.Context(), q, strings.NewReader(log), nil)
	if err != nil || receipt.Stored != 3 || receipt.Skipped != 3 || receipt.UsersNew != 2 || len(receipt.Warnings) != 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	// The same file, packed by a pipe or not, is the same import.
	if receipt, err = d.Import(t.Context(), q, io.MultiReader(strings.NewReader(log)), nil); err != nil || receipt.UsersNew != 0 {
		t.Fatalf("again: %+v, %v", receipt, err)
	}
	for expression, want := range map[string]uint64{"seen": 2, "page/shuttle": 1, "page/desk": 1, "page/late": 0, "page/racket": 2, "site/shop": 2, "source/access-log": 2} {
		if n, err := d.Count(t.Context(), expression); err != nil || n.Count != want {
			t.Errorf("%s: %d users, want %d, %v", expression, n.Count, want, err)
		}
	}
	if receipt, err = d.Import(t.Context(), q, strings.NewReader(log+"\n"), nil); err != nil || receipt.UsersNew != 2 {
		t.Errorf("another file: %+v, %v", receipt, err)
	}
	if _, err := d.Export(t.Context(), ExportRequest{Expression: "seen", IDSpace: intake.ClientSpace}, nil, nil); !errors.Is(err, ErrIDSpace) {
		t.Errorf("export by client: %v", err)
	}
	// Nothing on the way in remembers an address.
	space, _ := d.store.LookupSpace(intake.ClientSpace)
	named := 0
	err = d.store.IDs().Page(space, 0, func(_ storage.Ordinal, id []byte) error {
		if named++; len(id) != 22 || bytes.Contains(id, []byte("10.0")) {
			t.Errorf("a client is named %q", id)
		}
		return nil
	})
	if err != nil || named != 4 {
		t.Errorf("%d clients are named, %v", named, err)
	}
}
