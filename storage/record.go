package storage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// The kinds of record in the log. A kind is never reused; a reader that meets
// an unknown one refuses the log rather than skip what it cannot know.
const (
	kindHit      = 1
	kindClaim    = 2
	kindLease    = 3
	kindLabel    = 4
	kindMask     = 5
	kindSpace    = 6
	kindID       = 7
	kindHorizon  = 8
	kindDocument = 9
)

// MaxExternalID is the longest external id, in bytes.
const MaxExternalID = 256

// Records is one atomic append: all of it becomes durable, or none. The zero
// value is ready; Reset makes it ready again without giving its memory back.
type Records struct {
	buf  []byte
	last Day // the highest day
}

// Reset empties r.
func (r *Records) Reset() { r.buf, r.last = r.buf[:0], 0 }

// Len is the number of bytes the records take in the log.
func (r *Records) Len() int { return len(r.buf) }

// Hit records that user u was tagged with labels on a day. The label Seen is
// implied; the caller passes the label of the site among the others.
func (r *Records) Hit(u Ordinal, day Day, labels ...Label) {
	r.last = max(r.last, day)
	r.buf = append(r.buf, kindHit)
	r.buf = binary.AppendUvarint(r.buf, uint64(u))
	r.buf = binary.AppendUvarint(r.buf, uint64(uint32(day)))
	r.buf = binary.AppendUvarint(r.buf, uint64(len(labels)))
	for _, l := range labels {
		r.buf = binary.AppendUvarint(r.buf, uint64(l))
	}
}

// Claim records that the pending cookie with this nonce became user u.
func (r *Records) Claim(nonce uint64, u Ordinal, at time.Time) {
	r.buf = append(r.buf, kindClaim)
	r.buf = binary.LittleEndian.AppendUint64(r.buf, nonce)
	r.buf = binary.AppendUvarint(r.buf, uint64(u))
	r.buf = binary.AppendUvarint(r.buf, uint64(at.Unix()))
}

// Mask records that user u enters or leaves a mask.
func (r *Records) Mask(m Mask, u Ordinal, on bool) {
	r.buf = append(r.buf, kindMask, byte(m))
	if on {
		r.buf = append(r.buf, 1)
	} else {
		r.buf = append(r.buf, 0)
	}
	r.buf = binary.AppendUvarint(r.buf, uint64(u))
}

// ID records that a space knows user u by an external id of 1 to MaxExternalID
// bytes, confirmed on a day. An id the space had for u before is replaced.
func (r *Records) ID(space Space, external []byte, u Ordinal, day Day) {
	r.last = max(r.last, day)
	r.buf = append(r.buf, kindID, byte(space))
	r.buf = binary.AppendUvarint(r.buf, uint64(len(external)))
	r.buf = append(r.buf, external...)
	r.buf = binary.AppendUvarint(r.buf, uint64(u))
	r.buf = binary.AppendUvarint(r.buf, uint64(uint32(day)))
}

// lease records that ordinals below upto may have been given out.
func (r *Records) lease(upto Ordinal) {
	r.buf = append(r.buf, kindLease)
	r.buf = binary.AppendUvarint(r.buf, uint64(upto))
}

func (r *Records) label(l Label, state LabelState) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode label %s: %w", state.Name, err)
	}
	r.buf = append(r.buf, kindLabel)
	r.buf = binary.AppendUvarint(r.buf, uint64(l))
	r.buf = binary.AppendUvarint(r.buf, uint64(len(text)))
	r.buf = append(r.buf, text...)
	return nil
}

func (r *Records) space(number Space, name string) {
	r.buf = append(r.buf, kindSpace, byte(number), byte(len(name)))
	r.buf = append(r.buf, name...)
}

// horizon records that an operator confirmed a jump of the clock to day.
func (r *Records) horizon(day Day) {
	r.buf = append(r.buf, kindHorizon)
	r.buf = binary.AppendUvarint(r.buf, uint64(uint32(day)))
}

// document records the value of a document; nil deletes it.
func (r *Records) document(id documentID, value []byte) {
	r.buf = append(r.buf, kindDocument, byte(len(id.kind)), byte(len(id.name)))
	r.buf = append(append(r.buf, id.kind...), id.name...)
	r.buf = binary.AppendUvarint(r.buf, uint64(len(value)))
	r.buf = append(r.buf, value...)
}

// folder receives the records of a batch in order.
type folder interface {
	hit(u Ordinal, day Day, labels []Label)
	claim(nonce uint64, u Ordinal, at time.Time)
	leased(upto Ordinal)
	label(l Label, state LabelState)
	mask(m Mask, u Ordinal, on bool)
	space(number Space, name string)
	id(space Space, external []byte, u Ordinal, day Day)
	horizon(day Day)
	// document's value is valid for ever, nil where it was deleted.
	document(id documentID, value []byte)
}

// replay hands every record of one append to f. The labels and ids it passes
// are valid only during the call.
func replay(records []byte, f folder, scratch *[]Label) error {
	r := reader{rest: records}
	for len(r.rest) > 0 && !r.bad {
		switch kind := r.byte(); kind {
		case kindHit:
			u, day, n := r.ordinal(), r.day(), r.uvarint()
			if n > uint64(len(r.rest)) {
				r.bad = true
				break
			}
			labels := (*scratch)[:0]
			for range n {
				labels = append(labels, Label(r.uint32()))
			}
			*scratch = labels
			if !r.bad {
				f.hit(u, day, labels)
			}
		case kindClaim:
			nonce, u, at := r.uint64(), r.ordinal(), r.uvarint()
			if !r.bad {
				f.claim(nonce, u, time.Unix(int64(at), 0))
			}
		case kindLease:
			if upto := r.ordinal(); !r.bad {
				f.leased(upto)
			}
		case kindLabel:
			number, text := r.uint32(), r.bytes(r.uvarint())
			var state LabelState
			if r.bad || json.Unmarshal(text, &state) != nil {
				r.bad = true
				break
			}
			f.label(Label(number), state)
		case kindMask:
			m, on, u := Mask(r.byte()), r.byte() == 1, r.ordinal()
			if r.bad = r.bad || m >= maskCount; !r.bad {
				f.mask(m, u, on)
			}
		case kindSpace:
			number, name := Space(r.byte()), r.bytes(uint64(r.byte()))
			if !r.bad {
				f.space(number, string(name))
			}
		case kindID:
			space, external, u, day := Space(r.byte()), r.bytes(r.uvarint()), r.ordinal(), r.day()
			if !r.bad {
				f.id(space, external, u, day)
			}
		case kindHorizon:
			if day := r.day(); !r.bad {
				f.horizon(day)
			}
		case kindDocument:
			kind, name := uint64(r.byte()), uint64(r.byte())
			id := documentID{kind: string(r.bytes(kind)), name: string(r.bytes(name))}
			if value := r.bytes(r.uvarint()); !r.bad {
				f.document(id, append([]byte(nil), value...))
			}
		default:
			return fmt.Errorf("replay records: %w: kind %d is unknown: was the log written by a newer version?", ErrCorrupt, kind)
		}
	}
	if r.bad {
		return fmt.Errorf("replay records: %w: a record is cut short", ErrCorrupt)
	}
	return nil
}

// reader takes values off a byte slice; bad is set when it runs short.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) uint32() uint32 {
	v := r.uvarint()
	if v > math.MaxUint32 {
		r.bad = true
	}
	return uint32(v)
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) ordinal() Ordinal { return Ordinal(r.uint32()) }

func (r *reader) day() Day { return Day(r.uint32()) }
