package storage

import "fmt"

// Labels returns the dictionary: what has been declared durably up to now. A
// view may lag behind it by one publication.
func (s *Store) Labels() *Labels { return s.dictionary.Load() }

// Declare adds labels to the dictionary, or changes what they say of
// themselves, durably. It returns their numbers in the order of specs.
// Lengthening a retention does not bring days back that had expired.
func (s *Store) Declare(specs ...LabelSpec) ([]Label, error) {
	for i, spec := range specs {
		if Reserved(spec.Name) {
			return nil, fmt.Errorf("declare label %s: %w: the name is reserved", spec.Name, ErrBadLabel)
		}
		normal, err := spec.normal()
		if err != nil {
			return nil, err
		}
		specs[i] = normal
	}
	return s.declare(specs)
}

// DeclareSite adds the reserved label of a site, site/<key>.
func (s *Store) DeclareSite(key string) (Label, error) { return s.declareReserved(sitePrefix + key) }

// DeclareSource adds the reserved label of a source of imported rows,
// source/<name>.
func (s *Store) DeclareSource(name string) (Label, error) {
	return s.declareReserved(sourcePrefix + name)
}

func (s *Store) declareReserved(name string) (Label, error) {
	spec, err := LabelSpec{Name: name}.normal()
	if err != nil {
		return 0, err
	}
	numbers, err := s.declare([]LabelSpec{spec})
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}

// maxLabels bounds the labels of one append, far below the size of a batch.
const maxLabels = 1000

func (s *Store) declare(specs []LabelSpec) ([]Label, error) {
	s.declaring.Lock()
	defer s.declaring.Unlock()
	numbers := make([]Label, 0, len(specs))
	for len(specs) > 0 {
		n := min(len(specs), maxLabels)
		some, err := s.declareSome(specs[:n])
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, some...)
		specs = specs[n:]
	}
	return numbers, nil
}

func (s *Store) declareSome(specs []LabelSpec) ([]Label, error) {
	before := s.dictionary.Load()
	today, empty := DayOf(s.clock()), s.empty()
	numbers := make([]Label, len(specs))
	changed := map[Label]LabelState{}
	next := before.Len()
	fresh := map[string]Label{}
	for i, spec := range specs {
		l, known := before.Lookup(spec.Name)
		if !known {
			if l, known = fresh[spec.Name]; !known {
				l = Label(next)
				fresh[spec.Name] = l
				next++
			}
			changed[l] = LabelState{LabelSpec: spec}
		} else if !before.specs[l].LabelSpec.equal(spec) {
			changed[l] = before.changed(l, spec, today, empty)
		}
		numbers[i] = l
	}
	if len(changed) == 0 {
		return numbers, nil
	}
	if err := s.relabel(before, changed); err != nil {
		return nil, fmt.Errorf("declare %d labels: %w", len(changed), err)
	}
	return numbers, nil
}

// empty reports whether nothing was ever recorded: no day has expired where
// none has been.
func (s *Store) empty() bool {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	return s.state.Horizon == 0
}

// relabel makes changes of the dictionary durable, then visible.
func (s *Store) relabel(before *Labels, changed map[Label]LabelState) error {
	after := before.with(changed)
	if after.longest > before.longest && !s.empty() { // the reserved labels' retention grows with it
		today := DayOf(s.clock())
		for l, state := range before.specs {
			if Reserved(state.Name) {
				state.Floor = max(state.Floor, before.first(Label(l), today)-1)
				changed[Label(l)] = state
			}
		}
		after = before.with(changed)
	}
	var r Records
	for l := range Label(after.Len()) {
		if state, ok := changed[l]; ok {
			if err := r.label(l, state); err != nil {
				return err
			}
		}
	}
	if _, err := s.Append(&r); err != nil {
		return err
	}
	s.dictionary.Store(after)
	return nil
}

// DeleteLabel ends a label: nobody carries it any more, and expressions that
// name it go on with a warning. A label declared again under its name begins
// empty. The error is ErrBadLabel for a reserved name and for one that is not
// declared.
func (s *Store) DeleteLabel(name string) error {
	if Reserved(name) {
		return fmt.Errorf("delete label %s: %w: the name is reserved", name, ErrBadLabel)
	}
	s.declaring.Lock()
	defer s.declaring.Unlock()
	before := s.dictionary.Load()
	l, ok := before.Lookup(name)
	if !ok {
		return fmt.Errorf("delete label %s: %w: it is not declared", name, ErrBadLabel)
	}
	state := before.specs[l]
	state.Deleted = true
	if err := s.relabel(before, map[Label]LabelState{l: state}); err != nil {
		return fmt.Errorf("delete label %s: %w", name, err)
	}
	return nil
}

// changed returns a label with a new specification; days that have expired stay
// so.
func (d *Labels) changed(l Label, spec LabelSpec, today Day, empty bool) LabelState {
	state := d.specs[l]
	if spec.Retention > state.Retention && !empty {
		state.Floor = max(state.Floor, d.first(l, today)-1)
	}
	state.LabelSpec = spec
	return state
}
