package storage

import (
	"encoding/binary"
	"time"

	"sosie/storage/commitlog"
	"sosie/storage/tables"
)

// scanner reads batches of the log for what they say of users and spaces.
// Functions that are nil are not called.
type scanner struct {
	user  func(kind string, u Ordinal)
	known func(space Space, external []byte, u Ordinal)
	named func(number Space, name string)

	labels []Label
}

// batch reads one batch as it lies on the device.
func (s *scanner) batch(e tables.Entry) error {
	if e.Deleted || len(e.Key) != 8 || binary.BigEndian.Uint64(e.Key) == 0 {
		return nil
	}
	b, err := commitlog.Parse(binary.BigEndian.Uint64(e.Key), e.Value)
	if err != nil {
		return err
	}
	return b.Each(func(records []byte) error { return replay(records, s, &s.labels) })
}

func (s *scanner) note(kind string, u Ordinal) {
	if s.user != nil {
		s.user(kind, u)
	}
}

func (s *scanner) hit(u Ordinal, _ Day, _ []Label)        { s.note("hit", u) }
func (s *scanner) claim(_ uint64, u Ordinal, _ time.Time) { s.note("claim", u) }
func (s *scanner) mask(m Mask, u Ordinal, _ bool)         { s.note("mask "+m.String(), u) }
func (s *scanner) leased(Ordinal)                         {}
func (s *scanner) label(Label, LabelState)                {}
func (s *scanner) horizon(Day)                            {}
func (s *scanner) document(documentID, []byte)            {}

func (s *scanner) space(number Space, name string) {
	if s.named != nil {
		s.named(number, name)
	}
}

func (s *scanner) id(space Space, external []byte, u Ordinal, _ Day) {
	if s.known != nil {
		s.known(space, external, u)
	}
}
