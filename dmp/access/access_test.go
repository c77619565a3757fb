package access

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sosie/storage"
)

func open(t *testing.T, dir string) (*Keyring, *storage.Store) {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(s.Documents())
	if err != nil {
		t.Fatal(err)
	}
	return k, s
}

func keyring(t *testing.T) *Keyring {
	t.Helper()
	k, s := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func mustCreate(t *testing.T, k *Keyring, g Grant) (string, Grant) {
	t.Helper()
	token, made, err := k.Create(g)
	if err != nil {
		t.Fatal(err)
	}
	return token, made
}

// TestTable shows the whole table, so that no change of it goes unseen.
func TestTable(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s", "")
	for _, r := range Roles() {
		fmt.Fprintf(&b, "%-9s", r)
	}
	b.WriteString("\n")
	for _, op := range Operations() {
		fmt.Fprintf(&b, "%-18s", op)
		for _, r := range Roles() {
			may := "-"
			if Allowed(r, op) {
				may = "yes"
			}
			fmt.Fprintf(&b, "%-9s", may)
		}
		b.WriteString("\n")
	}
	got := ""
	for line := range strings.Lines(b.String()) {
		got += strings.TrimRight(line, " \n") + "\n"
	}
	want, err := os.ReadFile("testdata/table.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + got)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
	for _, op := range append(Operations(), operations, 255) {
		if Allowed("", op) || Allowed("root", op) || op >= operations && Allowed(Admin, op) {
			t.Errorf("%s: what the table does not know is allowed", op)
		}
	}
}

func TestTokensOutliveTheProcessAndEnd(t *testing.T) {
	dir := t.TempDir()
	k, s := open(t, dir)
	token, made := mustCreate(t, k, Grant{Name: "Ana", Role: Buyer, Sites: []string{"shop", "news", "shop"}})
	other, _ := mustCreate(t, k, Grant{Name: "ops", Role: Admin})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	k, s = open(t, dir)
	defer s.Close()
	got, ok := k.Grant(token)
	if d := cmp.Diff(made, got); !ok || d != "" {
		t.Errorf("after a restart: %v %s", ok, d)
	}
	if got.Folder != "news,shop" || !got.Of("shop") || got.Of("other") {
		t.Errorf("the grant is %+v", got)
	}
	for id, value := range s.Documents().List(Kind) {
		if strings.Contains(string(value), token[len("sosie_buyer_"):]) {
			t.Errorf("document %s holds the token itself", id)
		}
	}
	if err := k.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Grant(token); ok {
		t.Error("a revoked token opens")
	}
	if _, ok := k.Grant(other); !ok {
		t.Error("revoking one ended another")
	}
	if err := k.Revoke(made.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
	if l := k.List(); len(l) != 1 || l[0].Name != "ops" {
		t.Errorf("left are %v", l)
	}
}

func TestGrantsThatCannotBe(t *testing.T) {
	k := keyring(t)
	for _, c := range []struct {
		g    Grant
		says string
	}{
		{Grant{Role: Admin}, "whose token"},
		{Grant{Name: "a\nb", Role: Admin}, "whose token"},
		{Grant{Name: "a", Role: "root"}, "want one of site, partner, buyer, admin"},
		{Grant{Name: "a", Role: Site}, "needs a site"},
		{Grant{Name: "a", Role: Admin, Sites: []string{"shop"}}, "has no sites"},
		{Grant{Name: "a", Role: Partner}, "has a partner"},
		{Grant{Name: "a", Role: Partner, Partner: "A b"}, `partner "A b"`},
		{Grant{Name: "a", Role: Partner, Partner: "acme.com"}, `partner "acme.com"`},
		{Grant{Name: "a", Role: Buyer, Partner: "dsp"}, "no other has one"},
		{Grant{Name: "a", Role: Site, Sites: []string{"shop"}, Folder: "x"}, "has no folder"},
		{Grant{Name: "a", Role: Buyer, Sites: []string{""}}, "with a key"},
		{Grant{Name: "a", Role: Buyer, Rate: -1}, "requests a second"},
		{Grant{Name: "a", Role: Buyer, Folder: strings.Repeat("x", 257)}, "folder"},
	} {
		if _, _, err := k.Create(c.g); !errors.Is(err, ErrBadGrant) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want it to say %q", c.g, err, c.says)
		}
	}
	if l := k.List(); len(l) != 0 {
		t.Errorf("kept: %v", l)
	}
}

// TestFoldersOfSitesDoNotOverlap: keys of sites may hold slashes, and a folder
// holds those below it.
func TestFoldersOfSitesDoNotOverlap(t *testing.T) {
	k := keyring(t)
	_, a := mustCreate(t, k, Grant{Name: "a", Role: Buyer, Sites: []string{"acme"}})
	_, b := mustCreate(t, k, Grant{Name: "b", Role: Buyer, Sites: []string{"acme/shop"}})
	if a.Holds(b.Folder) || b.Holds(a.Folder) || !a.Holds(a.Folder+"/spring") || a.Holds(a.Folder+"x") || a.Holds("") {
		t.Errorf("folders are %q and %q", a.Folder, b.Folder)
	}
}

func TestTokensAreRandomText(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token := newToken(Buyer)
		secret := strings.TrimPrefix(token, "sosie_buyer_")
		if len(secret) != secretChars || strings.Trim(secret, base62) != "" || seen[secret] {
			t.Fatalf("%s", token)
		}
		seen[secret] = true
	}
	if token := newToken(Partner); len(token) != maxToken {
		t.Errorf("the longest token has %d bytes, maxToken is %d", len(token), maxToken)
	}
}

// TestWrongTokens: thousands of them are refused, after some without another
// word; the right one goes on from the same address.
func TestWrongTokens(t *testing.T) {
	k := keyring(t)
	right, _ := mustCreate(t, k, Grant{Name: "ops", Role: Admin})
	from := netip.MustParseAddr("2001:db8::1")
	slowed := 0
	for i := range 5000 {
		wrong := newToken(Admin)
		switch i % 5 {
		case 1:
			wrong = right[:len(right)-1]
		case 2:
			wrong = right + "x"
		case 3:
			wrong = strings.ToUpper(right)
		case 4:
			wrong = strings.Repeat("x", 1<<16)
		}
		_, err := k.Admit(wrong, from.Next())
		from = from.Next() // of the same /64
		switch {
		case errors.Is(err, ErrTries):
			slowed++
		case !errors.Is(err, ErrRefused):
			t.Fatalf("%.20s…: %v", wrong, err)
		}
	}
	if slowed < 4900 {
		t.Errorf("only %d of 5000 wrong tokens met the limit", slowed)
	}
	if _, err := k.Admit(right, from); err != nil {
		t.Errorf("the right token: %v", err)
	}
	if _, err := k.Admit("", netip.MustParseAddr("192.0.2.1")); !errors.Is(err, ErrRefused) {
		t.Errorf("another address: %v", err)
	}
	for i := range 3 * triesKept {
		k.tries.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := len(k.tries.now) + len(k.tries.old); n > 2*triesKept {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestRateOfAToken(t *testing.T) {
	k := keyring(t)
	slow, _ := mustCreate(t, k, Grant{Name: "slow", Role: Buyer, Rate: 1})
	from := netip.MustParseAddr("192.0.2.1")
	var last error
	for range 10 {
		_, last = k.Admit(slow, from)
	}
	if !errors.Is(last, ErrRate) || !Slow(last) {
		t.Errorf("ten at once with one a second: %v", last)
	}
	// What is left of a rate must not come back because somebody made a token.
	other, _ := mustCreate(t, k, Grant{Name: "other", Role: Buyer})
	if _, last = k.Admit(slow, from); !errors.Is(last, ErrRate) {
		t.Errorf("after another token was made: %v", last)
	}
	if _, err := k.AdmitBytes([]byte(other), from); err != nil {
		t.Errorf("another token: %v", err)
	}
}

func FuzzAdmit(f *testing.F) {
	s, err := storage.Open(storage.Options{Dir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	k, err := Open(s.Documents())
	if err != nil {
		f.Fatal(err)
	}
	right, _, err := k.Create(Grant{Name: "ops", Role: Admin})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add(right[:20])
	f.Add(right + "\x00")
	f.Fuzz(func(t *testing.T, token string) {
		if _, ok := k.Grant(token); ok && token != right {
			t.Fatalf("%q opens", token)
		}
	})
}

func BenchmarkAdmit(b *testing.B) {
	s, err := storage.Open(storage.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	k, err := Open(s.Documents())
	if err != nil {
		b.Fatal(err)
	}
	token, _, err := k.Create(Grant{Name: "dsp", Role: Partner, Partner: "dsp", Rate: MaxRate})
	if err != nil {
		b.Fatal(err)
	}
	from, bytes := netip.MustParseAddr("192.0.2.1"), []byte(token)
	b.ReportAllocs()
	for b.Loop() {
		k.AdmitBytes(bytes, from)
	}
}

func TestAdmitAllocatesNothing(t *testing.T) {
	k := keyring(t)
	token, _ := mustCreate(t, k, Grant{Name: "dsp", Role: Partner, Partner: "dsp"})
	from, bytes := netip.MustParseAddr("192.0.2.1"), []byte(token)
	if n := testing.AllocsPerRun(100, func() { k.AdmitBytes(bytes, from) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
