package place

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"sosie/storage"
)

const (
	// maxFile is the largest file read, in bytes: several times the largest sold.
	maxFile = 1 << 30
	// probes is how many networks of a file are looked at for a country before it
	// counts as one without. Empty ones count: a damaged tree may have no end.
	probes = 20_000
	// slots is how many places are remembered, of the 130,000 that a file of
	// cities tells apart; 32 bytes each.
	slots = 1 << 15
)

// file is one state of the file of places. Its networks share the places they
// are in, which are known by where they lie in the file.
type file struct {
	state  state
	reader *maxminddb.Reader
	memory *[slots]atomic.Pointer[place]
}

// state tells whether a file changed.
type state struct {
	size     int64
	modified time.Time
}

// place is the labels of a place; Seen, which is no label of a place, stands
// for none.
type place struct {
	at              uintptr
	country, region storage.Label
}

// live reports whether no label of the place was deleted.
func (l place) live(labels *storage.Labels) bool {
	return labels.Lives(l.country) && labels.Lives(l.region)
}

func stateOf(path string) (state, error) {
	about, err := os.Stat(path)
	if err != nil {
		return state{}, errors.Unwrap(err)
	}
	return state{about.Size(), about.ModTime()}, nil
}

// readFile reads a file whole and checks that it knows countries.
func readFile(path string) (*file, error) {
	f, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read places %s: %w", path, err)
	}
	return f, nil
}

func read(path string) (*file, error) {
	state, err := stateOf(path)
	if err != nil {
		return nil, err
	}
	opened, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer opened.Close()
	if state.size > maxFile {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrFile, state.size, maxFile)
	}
	text := make([]byte, state.size)
	if _, err := io.ReadFull(opened, text); err != nil {
		return nil, fmt.Errorf("%w: it changed while it was read: %w", ErrFile, err)
	}
	return parse(text, state)
}

func parse(text []byte, state state) (*file, error) {
	reader, err := maxminddb.OpenBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	left := probes
	for network := range reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if country, _ := codes(network); country != "" {
			return &file{state: state, reader: reader, memory: new([slots]atomic.Pointer[place])}, nil
		}
		if left--; left == 0 {
			break
		}
	}
	return nil, ErrNoCountry
}

// judgedAt is the file with a later state, whose content was refused.
func (f *file) judgedAt(state state) *file {
	return &file{state: state, reader: f.reader, memory: f.memory}
}

// slot is where a place is remembered. The multiplier spreads neighbours.
func (f *file) slot(at uintptr) *atomic.Pointer[place] {
	return &f.memory[uint32(at)*0x9e3779b1%slots]
}

// remembered returns the place that lies somewhere in the file.
func (f *file) remembered(at uintptr) (place, bool) {
	if known := f.slot(at).Load(); known != nil && known.at == at {
		return *known, true
	}
	return place{}, false
}

// remember keeps a place instead of the one in its slot.
func (f *file) remember(l place) { f.slot(l.at).Store(&l) }
