package storage

import (
	"fmt"
	"slices"
	"sync"
)

// spaces numbers the id spaces.
type spaces struct {
	mu     sync.Mutex
	byName map[string]Space
	list   []string
}

func (s *spaces) add(number Space, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for int(number) >= len(s.list) {
		s.list = append(s.list, "")
	}
	s.list[number] = name
	s.byName[name] = number
}

func (s *spaces) lookup(name string) (Space, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.byName[name]
	return n, ok
}

func (s *spaces) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// LookupSpace returns the number of an id space that has been declared.
func (s *Store) LookupSpace(name string) (Space, bool) { return s.spaces.lookup(name) }

// Spaces returns the names of all id spaces in the order of their numbers.
func (s *Store) Spaces() []string { return s.spaces.names() }

// Space returns the number of an id space, declaring it durably when it is new.
// Names are those of labels.
func (s *Store) Space(name string) (Space, error) {
	if !ValidLabelName(name) {
		return 0, fmt.Errorf("declare id space %q: want [a-z0-9][a-z0-9_.:/-]{0,127}", name)
	}
	s.declaring.Lock()
	defer s.declaring.Unlock()
	if n, ok := s.spaces.lookup(name); ok {
		return n, nil
	}
	n := len(s.spaces.names())
	if n >= maxSpaces {
		return 0, fmt.Errorf("declare id space %s: there are %d already", name, n)
	}
	var r Records
	r.space(Space(n), name)
	if _, err := s.Append(&r); err != nil {
		return 0, fmt.Errorf("declare id space %s: %w", name, err)
	}
	s.spaces.add(Space(n), name)
	return Space(n), nil
}
