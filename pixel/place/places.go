package place

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sosie/storage"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrFile means a file that is no MMDB file, or too large a one.
	ErrFile = errors.New("not a file of places")
	// ErrNoCountry means an MMDB file that knows no countries, such as one of
	// networks' owners.
	ErrNoCountry = errors.New("the file has no country.iso_code")
)

// The most labels that places declare, each some more than there are.
const (
	MaxCountries = 300
	MaxRegions   = 5000
)

// The parts of an address that are looked at.
const (
	keptOfIPv4 = 24
	keptOfIPv6 = 48
)

// Dictionary is what places need of the store; *storage.Store is one.
type Dictionary interface {
	// Labels is the dictionary as it is now.
	Labels() *storage.Labels
	// Declare adds labels durably.
	Declare(specs ...storage.LabelSpec) ([]storage.Label, error)
}

// Places knows where addresses are. All methods may be called concurrently; a
// nil *Places knows of none.
type Places struct {
	path    string
	labels  Dictionary
	now     atomic.Pointer[file]
	refresh sync.Mutex

	declaring sync.Mutex
	failed    time.Time // when a label could last not be declared
}

// Open reads a file of places. The errors are ErrFile, ErrNoCountry, and those
// of the file system.
func Open(path string, labels Dictionary) (*Places, error) {
	p := &Places{path: path, labels: labels}
	if _, err := p.Refresh(); err != nil {
		return nil, err
	}
	return p, nil
}

// Check reads a file as Open does, and forgets it.
func Check(path string) error {
	_, err := readFile(path)
	return err
}

// Refresh reads the file anew if it changed since the last look, and reports
// whether it did. After an error the places known before stay, and the file is
// not read again until it changes once more.
func (p *Places) Refresh() (changed bool, err error) {
	p.refresh.Lock()
	defer p.refresh.Unlock()
	old := p.now.Load()
	state, err := stateOf(p.path)
	if err != nil {
		return false, fmt.Errorf("read places %s: %w", p.path, err)
	}
	if old != nil && old.state == state {
		return false, nil
	}
	next, err := readFile(p.path)
	if err != nil {
		if old != nil {
			p.now.Store(old.judgedAt(state))
		}
		return false, err
	}
	p.now.Store(next)
	return true, nil
}

// Append adds to labels the country and the region of an address, as far as the
// file knows them. A label met for the first time is declared, which waits for
// the device; it is left out when that fails. Otherwise nothing is allocated,
// given room in labels.
func (p *Places) Append(labels []storage.Label, address netip.Addr) []storage.Label {
	if p == nil {
		return labels
	}
	network, ok := truncated(address)
	if !ok {
		return labels
	}
	f := p.now.Load()
	result := f.reader.Lookup(network)
	if !result.Found() {
		return labels
	}
	found, ok := f.remembered(result.Offset())
	if dictionary := p.labels.Labels(); !ok || !found.live(dictionary) {
		found = place{at: result.Offset()}
		country, region := codes(result)
		if !p.bind(&found, country, region) {
			return labels
		}
		f.remember(found)
	}
	for _, l := range [...]storage.Label{found.country, found.region} {
		if l != storage.Seen { // no label
			labels = append(labels, l)
		}
	}
	return labels
}

// truncated is the network of an address; ok is false without an address.
func truncated(address netip.Addr) (network netip.Addr, ok bool) {
	address = address.Unmap().WithZone("")
	bits := keptOfIPv6
	if address.Is4() {
		bits = keptOfIPv4
	}
	prefix, err := address.Prefix(bits)
	return prefix.Addr(), err == nil
}
