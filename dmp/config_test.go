package dmp

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sosie/pixel"
	"sosie/pixel/rules"
)

func TestParseConfigReadsEveryKey(t *testing.T) {
	c, err := ReadConfig("testdata/sosie.yaml")
	if err != nil {
		t.Fatal(err)
	}
	limits := pixel.DefaultLimits()
	limits.Connections, limits.IdleTimeout = 2048, 20*time.Second
	want := Config{
		Data: "/var/lib/sosie/data", Keys: "/var/lib/sosie/keys", Listen: "127.0.0.1:9090",
		Partner: "127.0.0.1:9092", Office: "127.0.0.1:9091", OfficeHosts: []string{"dmp.example.com"}, MetricsOpen: true, PublicURL: "https://p.example.com",
		TrustedProxies: []Network{Network(netip.MustParsePrefix("10.0.0.1/32")), Network(netip.MustParsePrefix("192.168.0.0/16"))},
		TLS:            TLS{Cert: "/etc/sosie/cert.pem", Key: "/etc/sosie/key.pem"},
		Memory:         4 << 30, Reserve: 1 << 30, Limits: limits,
		Places: "/var/lib/sosie/GeoLite2-City.mmdb", Log: LogJSON, LogLevel: "warn",
		Alerts: Alerts{Webhook: "https://hooks.example.com/token", Every: 5 * time.Minute},
		Sites:  []pixel.Site{{Key: "shop", WithoutSignal: "collect", Writes: []string{"interest/*", "bought/racket"}, CountFirstHit: true}},
		Labels: []Label{{Name: "interest/tennis", Retention: 30, Origin: "third", Provider: "example",
			Sensitive: true, Signed: true, Uses: []string{"export"}}},
	}
	if d := cmp.Diff(want, c, cmpopts.EquateComparable(Network{}), cmpopts.IgnoreFields(Config{}, "File")); d != "" {
		t.Error(d)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"lisen: a:1", `line 1: unknown key "lisen": did you mean "listen"?`},
		{"\nzebra: 1", `line 2: unknown key "zebra": want one of data, keys, listen`},
		{"tls:\n  crt: a", `line 2: unknown key "crt": did you mean "cert"?`},
		{"limits: {conections: 1}", `did you mean "connections"?`},
		{"sites:\n- key: a\n- key: b\n  write: [x]", `line 4: unknown key "write": did you mean "writes"?`},
		{"labels: [{name: a, retention: 1, provder: b}]", `did you mean "provider"?`},
		{"data: a\ndata: b", `line 2`},
		{"data: [", `line 1`},
		{"data: a\n---\ndata: b", `2 YAML documents`},
		{"data: &a b\nkeys: *a", `line 1: anchors, aliases`},
		{"data: !!str b", `tags are not used`},
		{"memory: lots", `512MiB`},
		{"memory: -1", `512MiB`},
		{"limits: {read_timeout: -1s}", `read_timeout`},
		{"limits: {agents: 99999999999}", `agents is 99999999999`},
		{"trusted_proxies: [example.com]", `example.com`},
		{"sites: [{key: A}]", `line 1: `},
		{"sites: [{key: a}, {key: a}]", `"a" occurs twice`},
		{"sites: [{key: a, writes: ['*x']}]", `*x`},
		{"sites: {key: a}", `line 1`},
		{"sites:\n- key: a\n  rules:\n  - pth: /a", `line 4: unknown key "pth": did you mean "path"?`},
		{"sites:\n- key: a\n  rules:\n  - {path: /a, labels: b}\n  - {name: x, path: a, labels: b}", `rule 2 (x): path "a": want a page`},
		{"sites:\n- key: a\n  rules:\n  - path:\n    labels: b", `path has no value`},
		{"sites:\n- key: a\n  writes: [c]\n  rules: [{path: /a, labels: b}]", `rule 1 grants b, which the site does not write`},
		{"labels: [{name: b, signed: true}]\nsites:\n- key: a\n  rules: [{path: /a, labels: c}, {name: x, path: /a, labels: [c, b]}]", `line 3: site "a": rule 2 (x) grants b, which is signed`},
		{"sites: [{key: a, zone: Mars}]", `zone "Mars"`},
		{"labels: [{name: Tennis}]", `label "Tennis"`},
		{"labels: [{name: site/a}]", `reserved`},
		{"labels: [{name: a}, {name: a}]", `"a" occurs twice`},
		{"labels: [{name: a, retention: 4000}]", `retention of 4000 days`},
		{"labels: [{name: a, origin: fourth}]", `origin "fourth"`},
		{"office: nowhere", `line 1: office "nowhere"`},
		{"listen: a:1\npartner: a:1", `line 2: partner "a:1": it is the address of listen too`},
		{"office_hosts: ['http://a']", `office host "http://a"`},
		{"office_hosts: [a, 'a:80']", `office host "a:80"`},
		{"public_url: p.example.com", `public_url "p.example.com"`},
		{"listen: nowhere", `listen "nowhere"`},
		{"tls: {cert: a}", `tls needs both`},
		{"just a word", `line 1`},
	} {
		_, err := ParseConfig([]byte(c.text))
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: got %v, want it to say %q", c.text, err, c.says)
		}
	}
}

func TestParseConfigTakesNothing(t *testing.T) {
	for _, text := range []string{"", "\n", "# only a remark\n", "---\n", "sites:\nlabels: []\n"} {
		if _, err := ParseConfig([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestParseConfigReadsRules reads each form in which a rule may be written.
func TestParseConfigReadsRules(t *testing.T) {
	c, err := ParseConfig([]byte(`
sites:
  - key: shop
    identity: own
    secret: 0123456789abcdef
    hosts: [www.shop.example, "*.shop.example"]
    zone: Europe/Paris
    search_parameters: [q, suche]
    rules:
      - path: /shuttle/*
        labels: [page/shuttle]
      - name: rackets
        path: [/racket, /rackets/*]
        query: {color: red, size: [007, "*"]}
        value_at_least: 49.90
        hours: 22-2
        labels: interest/tennis
`))
	want := []rules.Rule{{Path: rules.Any{"/shuttle/*"}, Labels: rules.Any{"page/shuttle"}}, {
		Name: "rackets", Path: rules.Any{"/racket", "/rackets/*"}, Query: map[string]rules.Any{"color": {"red"}, "size": {"007", "*"}},
		ValueAtLeast: rules.Any{"49.90"}, Hours: rules.Any{"22-2"}, Labels: rules.Any{"interest/tennis"},
	}}
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, c.Sites[0].Rules); d != "" {
		t.Error(d)
	}
}

func TestWithDefaults(t *testing.T) {
	for _, c := range []struct{ data, keys, wantKeys string }{
		{"", "", "sosie-data.keys"}, {"/var/lib/sosie/", "", "/var/lib/sosie.keys"}, {"a", "b", "b"},
	} {
		if got := (Config{Data: c.data, Keys: c.keys}).WithDefaults().Keys; got != c.wantKeys {
			t.Errorf("data %q, keys %q: keys are in %q, want %q", c.data, c.keys, got, c.wantKeys)
		}
	}
}

func TestSizeRoundTrip(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "1000": 1000, "512MiB": 512 << 20, "4GiB": 4 << 30, "1kB": 1000, "3KiB": 3072} {
		var s, again Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: got %d, %v, want %d", text, s, err, want)
		}
		out, err := s.MarshalText()
		if err != nil || again.UnmarshalText(out) != nil || again != want {
			t.Errorf("%s: written as %s, read as %d", text, out, again)
		}
	}
}

func TestConfigErrorsHaveAHint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sosie.yaml")
	if err := os.WriteFile(path, []byte("dta: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadConfig(path)
	if want := "read configuration " + path + `: bad configuration: line 1: unknown key "dta": did you mean "data"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if Hint(err) == "" {
		t.Error("there is no way out")
	}
}

// FuzzParseConfig: no text, however odd, may do more than be refused; what is
// taken is taken again with the same meaning.
func FuzzParseConfig(f *testing.F) {
	example, err := os.ReadFile("testdata/sosie.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, seed := range []string{"", "a: &a [*a]", "sites: [{key: a, key: b}]", "? x", "limits: 1", "memory: 1e999", "- - -", "{[", "'", "listen: !!binary x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("%q: an error of no kind: %v", text, err)
			}
			return
		}
		again, err := ParseConfig(text)
		if err != nil || !cmp.Equal(c, again, cmpopts.EquateComparable(Network{}), cmpopts.EquateNaNs()) {
			t.Fatalf("%q: read twice, it differs: %v", text, err)
		}
		if err := c.check(nil); err != nil {
			t.Fatalf("%q: was taken, but %v", text, err)
		}
	})
}
