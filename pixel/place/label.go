package place

import (
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"sosie/storage"
)

// prefix begins every label of a place.
const prefix = "place/"

// retryEvery is how long no label is declared after one could not be: where the
// device is full, hits must not queue to try.
const retryEvery = time.Second

// codes returns the codes of a record's country and region in lower case; empty
// for what is not there, or no code.
func codes(record maxminddb.Result) (country, region string) {
	// What cannot be decoded is not known.
	_ = record.DecodePath(&country, "country", "iso_code")
	if country = strings.ToLower(country); !isCode(country, 2, 2) {
		return "", ""
	}
	_ = record.DecodePath(&region, "subdivisions", 0, "iso_code")
	if region = strings.ToLower(region); !isCode(region, 1, 3) {
		region = ""
	}
	return country, region
}

func isCode(s string, least, most int) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

// bind finds the labels of codes, and declares those that are new; ok is false
// where that failed and is worth trying again.
func (p *Places) bind(found *place, country, region string) (ok bool) {
	if country == "" {
		return true
	}
	if found.country, ok = p.label(prefix + country); !ok || region == "" {
		return ok
	}
	found.region, ok = p.label(prefix + country + "/" + region)
	return ok
}

// label returns the number of a label, or Seen when there are too many.
func (p *Places) label(name string) (storage.Label, bool) {
	if l, known := p.labels.Labels().Lookup(name); known {
		return l, true
	}
	p.declaring.Lock()
	defer p.declaring.Unlock()
	labels := p.labels.Labels()
	if l, known := labels.Lookup(name); known {
		return l, true
	}
	if full(labels, name) {
		return storage.Seen, true
	}
	if time.Since(p.failed) < retryEvery {
		return storage.Seen, false
	}
	numbers, err := p.labels.Declare(storage.LabelSpec{Name: name})
	if err != nil { // a hit without its place is better than none; the store itself warns
		p.failed = time.Now()
		return storage.Seen, false
	}
	return numbers[0], true
}

// full reports whether there are as many countries, or regions, as may be.
func full(labels *storage.Labels, name string) bool {
	slashes, most := 1, MaxCountries
	if strings.Count(name, "/") > 1 {
		slashes, most = 2, MaxRegions
	}
	n := 0
	for _, l := range labels.Prefix(prefix) {
		if strings.Count(labels.Spec(l).Name, "/") == slashes {
			n++
		}
	}
	return n >= most
}
