package intake

import (
	"fmt"

	"sosie/storage"
)

// dictionary turns the names of labels into their numbers, and declares those
// that are new.
type dictionary struct {
	store   *storage.Store
	request Request
	today   storage.Day
	new     int
}

// undeclared stands for a label that is not to be declared.
const undeclared = ^storage.Label(0)

// resolve returns the number of each label of a batch, undeclared for those to
// leave out, and the dictionary it is true of.
func (d *dictionary) resolve(b *batch) (*storage.Labels, []storage.Label, error) {
	known := d.store.Labels()
	numbers := make([]storage.Label, len(b.labels))
	var unknown []int
	for i, name := range b.labels {
		l, ok := known.Lookup(name)
		if numbers[i] = l; !ok {
			numbers[i] = undeclared
			unknown = append(unknown, i)
		}
	}
	if len(unknown) == 0 || d.request.DeclaredOnly || d.request.Format == AccessLog {
		return known, numbers, nil
	}
	newest := make([]storage.Day, len(b.labels))
	for _, r := range b.rows {
		if r.label != bare {
			newest[r.label] = max(newest[r.label], r.day)
		}
	}
	var specs []storage.LabelSpec
	var places []int
	for _, i := range unknown {
		if newest[i] <= d.today-storage.DefaultRetention {
			continue // all its rows have expired: nothing would be stored
		}
		specs = append(specs, storage.LabelSpec{Name: b.labels[i], Origin: storage.Origin(d.request.Origin), Provider: d.request.Provider})
		places = append(places, i)
	}
	if d.new+len(specs) > d.request.MaxLabels {
		return nil, nil, fmt.Errorf("%w: the file brings more than %d, one of them %s", ErrTooManyLabels, d.request.MaxLabels, specs[d.request.MaxLabels-d.new].Name)
	}
	declared, err := d.store.Declare(specs...)
	if err != nil {
		return nil, nil, err
	}
	for i, l := range declared {
		numbers[places[i]] = l
	}
	d.new += len(specs)
	return d.store.Labels(), numbers, nil
}
