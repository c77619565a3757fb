package pixel

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"sosie/pixel/place"
	"sosie/storage"
)

// TestPlaces: a user carries where its hits come from, whatever its site may
// write; a pending cookie does not.
func TestPlaces(t *testing.T) {
	h := openHouse(t)
	h.SetPlaces(openPlaces(t, h.store))
	from := func(hit *Hit) { hit.Client = netip.MustParseAddr("81.2.69.142") }
	user, u := h.newUser(t)
	user.change = from
	user.get("s=news&l=interest/tennis")
	if got, want := h.carried(t, u, u+1), "interest/tennis place/xk place/xk/01 seen site/news"; got != want {
		t.Errorf("a user carries %q, want %q", got, want)
	}
	returning := &browser{h: h, change: from}
	returning.get("s=news")
	returning.change = nil // the second hit comes from where the file knows nothing
	returning.get("s=news")
	if got, want := h.carried(t, u+1, u+2), "seen site/news"; got != want {
		t.Errorf("a user who came back from elsewhere carries %q, want %q", got, want)
	}
	first := &browser{h: h, change: from}
	first.get("s=first")
	if got, want := h.carried(t, u+2, u+3), "place/xk place/xk/01 seen site/first"; got != want {
		t.Errorf("a user counted at the first hit carries %q, want %q", got, want)
	}
}

func openPlaces(t *testing.T, store *storage.Store) *place.Places {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test"})
	if err != nil {
		t.Fatal(err)
	}
	_, network, err := net.ParseCIDR("81.2.69.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Insert(network, mmdbtype.Map{
		"country":      mmdbtype.Map{"iso_code": mmdbtype.String("XK")},
		"subdivisions": mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String("01")}},
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "places.mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	places, err := place.Open(path, store)
	if err != nil {
		t.Fatal(err)
	}
	return places
}
