package segments

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"

	"sosie/audience"
	"sosie/storage"
)

// The kinds of document.
const (
	Kind      = "segment"
	KindSizes = "segment-sizes"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrUnknown means a segment that does not exist.
	ErrUnknown = errors.New("no such segment")
	// ErrExists means a name that is taken.
	ErrExists = errors.New("there is one already")
	// ErrUsed means a segment that others are built on.
	ErrUsed = errors.New("other segments use it")
	// ErrPublished means a segment that sites or partners still read.
	ErrPublished = errors.New("it is published")
	// ErrNotPublished means a segment that is not published there.
	ErrNotPublished = errors.New("it is not published there")
	// ErrBadName means a name, a folder, an owner or a note that cannot be kept.
	ErrBadName = errors.New("bad name")
)

// The limits of what people write about a segment, in bytes.
const (
	maxOwner  = 128
	maxFolder = 256
	maxNote   = 4096
)

// Segment is a saved segment.
type Segment struct {
	// Name matches [a-z0-9][a-z0-9_-]{0,63}.
	Name string `json:"name"`
	// Expression is canonical text.
	Expression string `json:"expression"`
	// Owner, Folder and Note are free text, perhaps empty. A folder's parts are
	// separated by slashes.
	Owner  string `json:"owner,omitempty"`
	Folder string `json:"folder,omitempty"`
	Note   string `json:"note,omitempty"`
	// Created and Changed are when the name was first saved and what it means was
	// last changed.
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
	// PublishedTo are the destinations that may read who is in it, in ascending
	// order: see Publish.
	PublishedTo []string `json:"published_to,omitempty"`
}

// Binder binds an expression with what a resolver knows, and returns why it
// cannot be asked, or nil.
type Binder func(e audience.Expr, r audience.Resolver) error

// Shelf is the saved segments of a store. Its methods are safe for concurrent
// use.
type Shelf struct {
	documents *storage.Documents
	bind      Binder
	clock     func() time.Time
}

// New returns the shelf of a store's documents. A nil clock is time.Now.
func New(documents *storage.Documents, bind Binder, clock func() time.Time) *Shelf {
	if clock == nil {
		clock = time.Now
	}
	return &Shelf{documents: documents, bind: bind, clock: clock}
}

// Get returns a segment. The error is ErrUnknown.
func (s *Shelf) Get(name string) (Segment, error) {
	segment, err := get(s.documents, name)
	if err != nil {
		return segment, fmt.Errorf("read segment %s: %w", name, err)
	}
	return segment, nil
}

// List returns all segments in order of their names.
func (s *Shelf) List() ([]Segment, error) { return list(s.documents) }

// At gives segment(NAME) the meaning it has in a view, so that an answer is made of
// formulas and days of one sequence. Of other functions it knows nothing.
func At(v *storage.View) audience.Resolver { return resolver{viewed{v}} }

// viewed reads the documents of a view.
type viewed struct{ *storage.View }

// Get returns the value of a document.
func (v viewed) Get(kind, name string) ([]byte, error) { return v.Document(kind, name) }

// List yields the documents of a kind.
func (v viewed) List(kind string) iter.Seq2[string, []byte] { return v.Documents(kind) }

// Names returns the names of all segments.
func (s *Shelf) Names() []string { return resolver{s.documents}.Names(audience.FuncSegment) }

// Save keeps a segment under its name, in place of one that is there only if
// replace is set; the destinations of that one stay, and so do the owner, folder
// and note that are not given. Its sizes stay only with its expression: they are of
// the users that another one meant, whom not everyone who sees the new one may know
// of. It returns what was kept, with canonical text and its times.
func (s *Shelf) Save(segment Segment, replace bool) (Segment, error) {
	e, err := audience.Parse(segment.Expression)
	if err == nil {
		err = segment.check()
	}
	if err != nil {
		return Segment{}, fmt.Errorf("save segment %s: %w", segment.Name, err)
	}
	segment.Expression = e.String()
	now := s.clock().UTC().Truncate(time.Second)
	segment.Created, segment.Changed, segment.PublishedTo = now, now, nil
	err = s.documents.Edit(func(edit *storage.Edit) error {
		switch before, err := get(edit, segment.Name); {
		case err == nil && !replace:
			return ErrExists
		case err == nil:
			segment.Created, segment.PublishedTo = before.Created, before.PublishedTo
			segment.Owner = cmp.Or(segment.Owner, before.Owner)
			segment.Folder = cmp.Or(segment.Folder, before.Folder)
			segment.Note = cmp.Or(segment.Note, before.Note)
			if before.Expression == segment.Expression {
				segment.Changed = before.Changed
			} else if err := forgetSizes(edit, segment.Name); err != nil {
				return err
			}
		case !errors.Is(err, ErrUnknown):
			return err
		}
		if err := put(edit, Kind, segment.Name, segment); err != nil {
			return err
		}
		// With the new one in place: it must not contain itself.
		return s.bind(&audience.Call{Function: audience.FuncSegment, Name: segment.Name}, resolver{edit})
	})
	if err != nil {
		return Segment{}, fmt.Errorf("save segment %s: %w", segment.Name, err)
	}
	return segment, nil
}

// Copy saves a segment under a second name. Its sizes begin anew, and it is
// published nowhere.
func (s *Shelf) Copy(from, to string) (Segment, error) {
	segment, err := get(s.documents, from)
	if err != nil {
		return Segment{}, fmt.Errorf("copy segment %s: %w", from, err)
	}
	segment.Name = to
	return s.Save(segment, false)
}

// Rename gives a segment another name, in the expressions of the segments that
// use it too. Its sizes go with it. The error is ErrPublished where others know it
// by its name.
func (s *Shelf) Rename(from, to string) error {
	err := s.documents.Edit(func(edit *storage.Edit) error {
		segment, err := get(edit, from)
		if err == nil {
			err = segment.unpublished()
		}
		if err != nil {
			return err
		}
		segment.Name = to
		if err := segment.check(); err != nil {
			return err
		}
		if _, err := get(edit, to); !errors.Is(err, ErrUnknown) {
			return errors.Join(err, fmt.Errorf("%s: %w", to, ErrExists))
		}
		users, err := usersOf(edit, from)
		if err != nil {
			return err
		}
		for _, user := range users {
			e, err := audience.Parse(user.Expression)
			if err != nil {
				return fmt.Errorf("segment %s: %w", user.Name, err)
			}
			audience.Rename(e, audience.FuncSegment, from, to)
			user.Expression = e.String()
			if _, err := audience.Parse(user.Expression); err != nil { // it has grown too long
				return fmt.Errorf("segment %s: %w", user.Name, err)
			}
			if err := put(edit, Kind, user.Name, user); err != nil {
				return err
			}
		}
		if sizes, err := edit.Get(KindSizes, from); err == nil {
			if err := errors.Join(edit.Put(KindSizes, to, sizes), edit.Delete(KindSizes, from)); err != nil {
				return err
			}
		}
		return errors.Join(put(edit, Kind, to, segment), edit.Delete(Kind, from))
	})
	if err != nil {
		return fmt.Errorf("rename segment %s: %w", from, err)
	}
	return nil
}

// Delete removes a segment and its sizes. The error is ErrUsed, with the names
// of those that use it, or ErrPublished, with the destinations.
func (s *Shelf) Delete(name string) error {
	err := s.documents.Edit(func(edit *storage.Edit) error {
		segment, err := get(edit, name)
		if err == nil {
			err = segment.unpublished()
		}
		if err != nil {
			return err
		}
		users, err := usersOf(edit, name)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			var names []string
			for _, user := range users {
				names = append(names, user.Name)
			}
			return fmt.Errorf("%w: %s", ErrUsed, strings.Join(names, ", "))
		}
		return errors.Join(forgetSizes(edit, name), edit.Delete(Kind, name))
	})
	if err != nil {
		return fmt.Errorf("delete segment %s: %w", name, err)
	}
	return nil
}

func (s Segment) check() error {
	switch {
	case !audience.ValidSegmentName(s.Name):
		return fmt.Errorf("%w: want [a-z0-9][a-z0-9_-]{0,63}", ErrBadName)
	case len(s.Owner) > maxOwner, len(s.Folder) > maxFolder, len(s.Note) > maxNote:
		return fmt.Errorf("%w: an owner has at most %d bytes, a folder %d, a note %d", ErrBadName, maxOwner, maxFolder, maxNote)
	case strings.ContainsFunc(s.Owner+s.Folder+s.Note, unicode.IsControl):
		return fmt.Errorf("%w: owner, folder and note are one line each, without control characters", ErrBadName)
	}
	return nil
}

// source is what documents are read from: the store's, or an edit in the making.
type source interface {
	Get(kind, name string) ([]byte, error)
	List(kind string) iter.Seq2[string, []byte]
}

func get(from source, name string) (segment Segment, err error) {
	value, err := from.Get(Kind, name)
	if errors.Is(err, storage.ErrNoDocument) {
		return segment, ErrUnknown
	}
	if err == nil {
		err = json.Unmarshal(value, &segment)
	}
	return segment, err
}

func list(from source) (all []Segment, err error) {
	for name, value := range from.List(Kind) {
		var segment Segment
		if err := json.Unmarshal(value, &segment); err != nil {
			return nil, fmt.Errorf("read segment %s: %w", name, err)
		}
		all = append(all, segment)
	}
	return all, nil
}

func put(edit *storage.Edit, kind, name string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return edit.Put(kind, name, value)
}

// usersOf returns the segments whose expressions name another one.
func usersOf(from source, name string) (users []Segment, err error) {
	all, err := list(from)
	for _, segment := range all {
		e, err := audience.Parse(segment.Expression)
		if err != nil {
			return nil, fmt.Errorf("read segment %s: %w", segment.Name, err)
		}
		if slices.Contains(audience.Calls(e, audience.FuncSegment), name) {
			users = append(users, segment)
		}
	}
	return users, err
}

// resolver gives segment(NAME) its meaning.
type resolver struct{ source }

// Resolve returns the formula of a segment.
func (r resolver) Resolve(function, name string) (audience.Definition, bool, error) {
	if function != audience.FuncSegment {
		return audience.Definition{}, false, nil
	}
	segment, err := get(r.source, name)
	if errors.Is(err, ErrUnknown) {
		return audience.Definition{}, false, nil
	}
	if err != nil {
		return audience.Definition{}, false, err
	}
	e, err := audience.Parse(segment.Expression)
	return audience.Definition{Expr: e}, true, err
}

// Names returns the names of all segments.
func (r resolver) Names(function string) (names []string) {
	if function == audience.FuncSegment {
		for name := range r.List(Kind) {
			names = append(names, name)
		}
	}
	return names
}
