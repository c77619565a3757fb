package place

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"sosie/storage"
)

// where is what a file says of a network: a country's code and a region's.
type where map[string][2]string

var world = where{
	"81.2.69.0/24":   {"IT", "25"},
	"81.2.70.0/24":   {"IT", ""},
	"81.2.71.128/25": {"FR", "IDF"},
	"81.2.72.0/24":   {"FR", "not a code"},
	"81.2.73.0/24":   {"", "25"},
	"81.2.74.0/24":   {"../", ""},
	"2a02:1234::/48": {"DE", "BE"},
}

func write(t testing.TB, path string, places where) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", RecordSize: 24})
	if err != nil {
		t.Fatal(err)
	}
	for network, codes := range places {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		record := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(codes[0])}}
		if codes[1] != "" {
			record["subdivisions"] = mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String(codes[1])}}
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openPlaces(t testing.TB, dictionary Dictionary, places where) *Places {
	t.Helper()
	path := filepath.Join(t.TempDir(), "places.mmdb")
	write(t, path, places)
	p, err := Open(path, dictionary)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// names are the labels of an address by name.
func names(p *Places, d Dictionary, address string) string {
	a, _ := netip.ParseAddr(address) // none for ""
	var out []string
	for _, l := range p.Append(nil, a) {
		out = append(out, d.Labels().Spec(l).Name)
	}
	return strings.Join(out, " ")
}

func TestAppend(t *testing.T) {
	s := openStore(t)
	p := openPlaces(t, s, world)
	for _, row := range []struct{ address, want string }{
		{"81.2.69.142", "place/it place/it/25"},
		{"::ffff:81.2.69.7", "place/it place/it/25"},
		{"81.2.70.1", "place/it"},
		{"81.2.71.200", ""}, // in France by its last byte, which nothing sees
		{"81.2.72.1", "place/fr"},
		{"81.2.73.1", ""},
		{"81.2.74.1", ""},
		{"2a02:1234:0:ffff::1%eth0", "place/de place/de/be"},
		{"192.0.2.1", ""},
		{"", ""},
	} {
		for range 2 { // read, then remembered
			if got := names(p, s, row.address); got != row.want {
				t.Errorf("%s is in %q, want %q", row.address, got, row.want)
			}
		}
	}
	if got := names(nil, s, "81.2.69.142"); got != "" {
		t.Errorf("without a file: %q", got)
	}
}

// TestDeclaredLabelsStay: what an operator declared keeps its properties, and
// what was deleted is met anew.
func TestDeclaredLabelsStay(t *testing.T) {
	s := openStore(t)
	if _, err := s.Declare(storage.LabelSpec{Name: "place/it", Retention: 30}); err != nil {
		t.Fatal(err)
	}
	p := openPlaces(t, s, world)
	names(p, s, "81.2.69.1")
	l, _ := s.Labels().Lookup("place/it")
	if got := s.Labels().Spec(l).Retention; got != 30 {
		t.Errorf("retention is %d, want 30", got)
	}
	if err := s.DeleteLabel("place/it/25"); err != nil {
		t.Fatal(err)
	}
	old := s.Labels().Len()
	if got := names(p, s, "81.2.69.1"); got != "place/it place/it/25" || s.Labels().Len() != old+1 {
		t.Errorf("after the deletion: %q, %d labels more", got, s.Labels().Len()-old)
	}
}

// TestRefresh: a file that changed is read, and one that became worthless is
// not, but said once.
func TestRefresh(t *testing.T) {
	s := openStore(t)
	p := openPlaces(t, s, world)
	if changed, err := p.Refresh(); changed || err != nil {
		t.Errorf("unchanged: %v, %v", changed, err)
	}
	write(t, p.path, where{"81.2.69.0/24": {"ES", "AN"}})
	later := time.Now().Add(time.Second) // file systems may round times
	if err := os.Chtimes(p.path, later, later); err != nil {
		t.Fatal(err)
	}
	if changed, err := p.Refresh(); !changed || err != nil {
		t.Errorf("changed: %v, %v", changed, err)
	}
	if got := names(p, s, "81.2.69.1"); got != "place/es place/es/an" {
		t.Errorf("after the change: %q", got)
	}
	if err := os.WriteFile(p.path, []byte("half of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Refresh(); !errors.Is(err, ErrFile) {
		t.Errorf("half of a file: %v", err)
	}
	if _, err := p.Refresh(); err != nil {
		t.Errorf("said twice: %v", err)
	}
	if got := names(p, s, "81.2.69.1"); got != "place/es place/es/an" {
		t.Errorf("after the refusal: %q", got)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "owners.mmdb")
	write(t, path, where{"81.2.69.0/24": {"", ""}})
	if err := Check(path); !errors.Is(err, ErrNoCountry) {
		t.Errorf("a file without countries: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none.mmdb"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// book is a dictionary without a store.
type book struct {
	sync.Mutex
	*storage.Store
	fail     error
	declared []string
	calls    int
}

func (b *book) Declare(specs ...storage.LabelSpec) ([]storage.Label, error) {
	b.Lock()
	defer b.Unlock()
	b.calls++
	if b.fail != nil {
		return nil, b.fail
	}
	b.declared = append(b.declared, specs[0].Name)
	return b.Store.Declare(specs...)
}

// TestOddFileIsBounded: a file with a region for every network fills the
// dictionary up to the limit only.
func TestOddFileIsBounded(t *testing.T) {
	s := openStore(t)
	var specs []storage.LabelSpec
	for i := range MaxRegions - 2 {
		specs = append(specs, storage.LabelSpec{Name: fmt.Sprintf("place/zz/%03s", strings.ToLower(fmt.Sprintf("%x", i)))})
	}
	if _, err := s.Declare(specs...); err != nil {
		t.Fatal(err)
	}
	places := where{}
	for i := range 50 {
		places[fmt.Sprintf("81.2.%d.0/24", i)] = [2]string{"IT", fmt.Sprintf("X%d", i)}
	}
	b := &book{Store: s}
	p := openPlaces(t, b, places)
	regions := 0
	for range 2 {
		for i := range 50 {
			regions += strings.Count(names(p, s, fmt.Sprintf("81.2.%d.9", i)), "place/it/")
		}
	}
	if regions != 4 || len(b.declared) != 3 {
		t.Errorf("%d looks found a region, %v were declared: want twice 2 regions, and the country", regions, b.declared)
	}
}

// TestFullDevice: where labels cannot be declared, hits have no place and few of
// them try.
func TestFullDevice(t *testing.T) {
	s := openStore(t)
	b := &book{Store: s, fail: storage.ErrFull}
	p := openPlaces(t, b, world)
	for range 100 {
		if got := names(p, s, "81.2.69.1"); got != "" {
			t.Fatalf("got %q", got)
		}
	}
	if b.calls > 10 {
		t.Errorf("tried %d times", b.calls)
	}
	b.fail, p.failed = nil, time.Time{}
	if got := names(p, s, "81.2.69.1"); got != "place/it place/it/25" {
		t.Errorf("once there is room: %q", got)
	}
}

// TestMetAtOnce: many hits of a new place at a time declare its labels once.
func TestMetAtOnce(t *testing.T) {
	s := openStore(t)
	b := &book{Store: s}
	p := openPlaces(t, b, world)
	var hits sync.WaitGroup
	for range 32 {
		hits.Go(func() { names(p, s, "81.2.69.1") })
	}
	hits.Wait()
	slices.Sort(b.declared)
	if want := []string{"place/it", "place/it/25"}; !slices.Equal(b.declared, want) {
		t.Errorf("declared %v, want %v", b.declared, want)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	s := openStore(t)
	p := openPlaces(t, s, world)
	a := netip.MustParseAddr("81.2.69.142")
	labels := p.Append(make([]storage.Label, 0, 8), a)
	if n := testing.AllocsPerRun(100, func() { labels = p.Append(labels[:0], a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// blank is a dictionary that stays empty.
type blank struct{}

func (blank) Labels() *storage.Labels { return new(storage.Labels) }

func (blank) Declare(...storage.LabelSpec) ([]storage.Label, error) { return nil, storage.ErrFull }

// FuzzFile: whatever a file holds, it is refused, or answers.
func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "places.mmdb")
	write(f, path, world)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte{81, 2, 69, 1})
	f.Add(good[:len(good)/2], []byte{})
	f.Fuzz(func(t *testing.T, text, address []byte) {
		parsed, err := parse(text, state{})
		if err != nil {
			return
		}
		p := &Places{labels: blank{}}
		p.now.Store(parsed)
		a, _ := netip.AddrFromSlice(address)
		p.Append(nil, a)
	})
}

// BenchmarkAppend looks up addresses of 65,536 networks in 4,000 regions.
func BenchmarkAppend(b *testing.B) {
	s := openStore(b)
	places := where{}
	var addresses []netip.Addr
	for i := range 1 << 16 {
		n := netip.AddrFrom4([4]byte{81, byte(i >> 8), byte(i), 0})
		places[n.String()+"/24"] = [2]string{string(rune('A'+i%20)) + "X", fmt.Sprintf("%d", i/20%200)}
		addresses = append(addresses, n.Next())
	}
	p := openPlaces(b, s, places)
	labels := make([]storage.Label, 0, 8)
	for _, a := range addresses {
		labels = p.Append(labels[:0], a)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		labels = p.Append(labels[:0], addresses[i*7919%len(addresses)])
		i++
	}
}
