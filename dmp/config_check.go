package dmp

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/pixel/place"
	"sosie/storage"
)

// check finds what the types of the fields cannot say. body is for lines.
func (c Config) check(body ast.Node) error {
	seen := map[string]bool{}
	for i, l := range c.Labels {
		if err := l.check(seen); err != nil {
			return lineError(child(body, "labels", i), "%v", err)
		}
		seen[l.Name] = true
	}
	clear(seen)
	for i, s := range c.Sites {
		if seen[s.Key] {
			return lineError(child(body, "sites", i), "site %q occurs twice", s.Key)
		}
		seen[s.Key] = true
		if _, err := c.tryPixel(s); err != nil {
			return lineError(child(body, "sites", i), "%v", err)
		}
		if err := c.checkGrants(s); err != nil {
			return lineError(child(body, "sites", i), "%v", err)
		}
	}
	if _, err := c.tryPixel(); err != nil {
		return lineError(child(body, "limits", -1), "%v", err)
	}
	if err := c.checkDoors(body); err != nil {
		return err
	}
	if err := c.checkLog(); err != nil {
		return lineError(child(body, "log", -1), "%v", err)
	}
	if err := c.Alerts.check(); err != nil {
		return lineError(child(body, "alerts", -1), "%v", err)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return lineError(child(body, "tls", -1), "tls needs both cert and key")
	}
	return nil
}

// checkGrants refuses rules that would let whoever sends hits write a label that
// must be signed.
func (c Config) checkGrants(s pixel.Site) error {
	for i := range s.Rules {
		for _, l := range c.Labels {
			if l.Signed && slices.Contains(s.Rules[i].Labels, l.Name) {
				return fmt.Errorf("site %q: %s grants %s, which is signed: only the site's server may write it", s.Key, s.Rules[i].Called(i), l.Name)
			}
		}
	}
	return nil
}

func (l Label) check(seen map[string]bool) error {
	switch {
	case !storage.ValidLabelName(l.Name):
		return fmt.Errorf("label %q: want a name of [a-z0-9][a-z0-9_.:/-]{0,127}", l.Name)
	case storage.Reserved(l.Name):
		return fmt.Errorf("label %q: the name is reserved for Sosie itself", l.Name)
	case seen[l.Name]:
		return fmt.Errorf("label %q occurs twice", l.Name)
	case l.Retention < 0 || l.Retention > storage.MaxRetention:
		return fmt.Errorf("label %q: retention of %d days: want 1 to %d", l.Name, l.Retention, storage.MaxRetention)
	case !slices.Contains([]string{"", string(storage.FirstParty), string(storage.SecondParty), string(storage.ThirdParty)}, l.Origin):
		return fmt.Errorf("label %q: origin %q: want first, second or third", l.Name, l.Origin)
	}
	return nil
}

// pixel is the configuration as the pixel takes it.
func (c Config) pixel() pixel.Config {
	proxies := make([]netip.Prefix, len(c.TrustedProxies))
	for i, n := range c.TrustedProxies {
		proxies[i] = netip.Prefix(n)
	}
	return pixel.Config{Sites: c.Sites, Limits: c.Limits, TrustedProxies: proxies, PublicURL: c.PublicURL}
}

// tryPixel lets the pixel itself judge sites and limits, with a recorder that
// records nothing, and returns it. Tables whose sizes are in bounds are made small
// for it.
func (c Config) tryPixel(sites ...pixel.Site) (*pixel.Pixel, error) {
	p := c.pixel()
	p.Sites = sites
	for _, size := range []*int{&p.Limits.Addresses, &p.Limits.Agents} {
		if *size > 0 && *size <= 1<<26 {
			*size = 1
		}
	}
	return pixel.New(p, new(identity.Keys), deaf{}, nil)
}

// deaf is a recorder that the pixel may declare to what it wants.
type deaf struct{ pixel.Recorder }

// Space takes every id space.
func (deaf) Space(string) (storage.Space, error) { return 0, nil }

// Labels knows none.
func (deaf) Labels() *storage.Labels { return new(storage.Labels) }

// Declare takes every label.
func (deaf) Declare(...storage.LabelSpec) ([]storage.Label, error) { return nil, nil }

// DeclareSite takes every site.
func (deaf) DeclareSite(string) (storage.Label, error) { return 0, nil }

// certificate reads the files of TLS, or returns nil when there are none.
func (t TLS) certificate() (*tls.Certificate, error) {
	if t.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, &Error{Op: "read certificate", Object: t.Cert, Err: err, Hint: "tls.cert and tls.key name PEM files that belong together."}
	}
	return &pair, nil
}

// child finds the node of a key, or of an element below it, for its line.
func child(body ast.Node, key string, index int) ast.Node {
	values := []*ast.MappingValueNode{}
	switch body := body.(type) {
	case *ast.MappingNode:
		values = body.Values
	case *ast.MappingValueNode:
		values = append(values, body)
	}
	for _, v := range values {
		if v.Key.GetToken().Value != key {
			continue
		}
		if list, ok := v.Value.(*ast.SequenceNode); ok && index >= 0 && index < len(list.Values) {
			return list.Values[index]
		}
		return v.Key
	}
	return body
}

// Check finds what is wrong with a configuration, wherever it came from: also
// certificate files and files of places that do not open, and keys that would lie in
// the data directory.
func (c Config) Check() error {
	if err := c.check(nil); err != nil {
		return err
	}
	if c.Places != "" {
		if err := place.Check(c.Places); err != nil {
			return placesError(c.Places, err)
		}
	}
	if full := c.WithDefaults(); inside(full.Keys, full.Data) {
		return keysInside(full)
	}
	_, err := c.TLS.certificate()
	return err
}

// Scheme is how the pixel is reached on its listener: http or https.
func (c Config) Scheme() string {
	if c.TLS.Cert != "" {
		return "https"
	}
	return "http"
}
