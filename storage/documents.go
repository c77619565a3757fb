package storage

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
)

// The limits of documents.
const (
	// MaxDocument is the largest value of a document, in bytes.
	MaxDocument = 256 << 10
	// maxDocumentName is the longest kind, and the longest name.
	maxDocumentName = 255
)

// ErrNoDocument means a document that does not exist.
var ErrNoDocument = errors.New("no such document")

// documentID names a document: what it is, and which one.
type documentID struct{ kind, name string }

// documentSet is the documents of a store at one moment, by name. It never
// changes.
type documentSet map[documentID][]byte

// with returns the set with changes made; a nil value deletes.
func (d documentSet) with(changes documentSet) documentSet {
	if len(changes) == 0 {
		return d
	}
	next := maps.Clone(d)
	if next == nil {
		next = documentSet{}
	}
	for id, value := range changes {
		if value == nil {
			delete(next, id)
		} else {
			next[id] = value
		}
	}
	return next
}

func (d documentSet) get(kind, name string) ([]byte, error) {
	value, ok := d[documentID{kind, name}]
	if !ok {
		return nil, fmt.Errorf("read %s %s: %w", kind, name, ErrNoDocument)
	}
	return value, nil
}

// list yields the documents of a kind in order of their names.
func (d documentSet) list(kind string) iter.Seq2[string, []byte] {
	var names []string
	for id := range d {
		if id.kind == kind {
			names = append(names, id.name)
		}
	}
	slices.Sort(names)
	return func(yield func(string, []byte) bool) {
		for _, name := range names {
			if !yield(name, d[documentID{kind, name}]) {
				return
			}
		}
	}
}

// kinds returns the kinds that have a document, in order.
func (d documentSet) kinds() []string {
	found := map[string]bool{}
	for id := range d {
		found[id.kind] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// Documents keep small values for the rooms above, durably and in memory: a
// saved segment, what is remembered of an import. The store does not read them.
// They are few: thousands, not millions.
type Documents struct {
	store *Store
	mu    sync.RWMutex // held through an append, so that log and memory agree
	now   documentSet
}

// Documents are the store's small named values.
func (s *Store) Documents() *Documents { return &s.documents }

// Get returns the value of a document, which must not be changed. The error is
// ErrNoDocument.
func (d *Documents) Get(kind, name string) ([]byte, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.now.get(kind, name)
}

// List yields the documents of a kind in order of their names, as they are now.
func (d *Documents) List(kind string) iter.Seq2[string, []byte] {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.now.list(kind)
}

// Edit makes the changes of fn durable, all or none, and then visible. Only one
// Edit runs at a time, so that fn may read what it changes. An error of fn is
// returned as it is, and nothing changes.
func (d *Documents) Edit(fn func(*Edit) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := &Edit{before: d.now, changes: documentSet{}}
	if err := fn(e); err != nil {
		return err
	}
	if len(e.changes) == 0 {
		return nil
	}
	var r Records
	for id, value := range e.changes {
		r.document(id, value)
	}
	if _, err := d.store.Append(&r); err != nil {
		return err
	}
	d.now = d.now.with(e.changes)
	return nil
}

// Edit is a set of changes in the making.
type Edit struct {
	before, changes documentSet
}

// Get returns the value of a document as this edit leaves it. The error is
// ErrNoDocument.
func (e *Edit) Get(kind, name string) ([]byte, error) {
	id := documentID{kind, name}
	value, changed := e.changes[id]
	if !changed {
		value = e.before[id]
	}
	if value == nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, name, ErrNoDocument)
	}
	return value, nil
}

// List yields the documents of a kind as this edit leaves them.
func (e *Edit) List(kind string) iter.Seq2[string, []byte] {
	return e.before.with(e.changes).list(kind)
}

// Put sets a document, whose value is of 1 to MaxDocument bytes and is not
// copied.
func (e *Edit) Put(kind, name string, value []byte) error {
	switch {
	case kind == "" || len(kind) > maxDocumentName || name == "" || len(name) > maxDocumentName:
		return fmt.Errorf("write %s %s: kind and name have 1 to %d bytes", kind, name, maxDocumentName)
	case len(value) == 0 || len(value) > MaxDocument:
		return fmt.Errorf("write %s %s: a value of %d bytes: want 1 to %d", kind, name, len(value), MaxDocument)
	}
	e.changes[documentID{kind, name}] = value
	return nil
}

// Delete removes a document. The error is ErrNoDocument.
func (e *Edit) Delete(kind, name string) error {
	if _, err := e.Get(kind, name); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	e.changes[documentID{kind, name}] = nil
	return nil
}

// document folds a document of the log.
func (f *fold) document(id documentID, value []byte) {
	f.documents = f.documents.with(documentSet{id: value})
	f.dirtyDocuments[id] = true
}

// loadDocuments reads the documents of the last checkpoint.
func (f *fold) loadDocuments() error {
	found := documentSet{}
	err := eachValue(f.s.db, []byte{keyDocument}, func(key, value []byte) error {
		id, err := parseDocumentKey(key)
		if err != nil {
			return err
		}
		body, err := unchecked(value)
		if err != nil {
			return fmt.Errorf("%s %s: %w", id.kind, id.name, err)
		}
		found[id] = slices.Clone(body)
		return nil
	})
	f.documents = found
	return err
}

func (f *fold) saveDocuments(uint64) error {
	if len(f.dirtyDocuments) == 0 {
		return nil
	}
	batch := f.s.db.NewWriteBatch()
	defer batch.Cancel()
	for id := range f.dirtyDocuments {
		var err error
		if value := f.documents[id]; value == nil {
			err = batch.Delete(documentKey(id))
		} else {
			err = batch.Set(documentKey(id), checked(slices.Clone(value)))
		}
		if err != nil {
			return err
		}
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	clear(f.dirtyDocuments)
	return nil
}
