package storage

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"sosie/storage/block"
)

// teller writes down what it is handed.
type teller struct{ bytes.Buffer }

func (w *teller) hit(u Ordinal, d Day, labels []Label) {
	fmt.Fprintln(w, "hit", uint32(u), d, labels)
}
func (w *teller) claim(nonce uint64, u Ordinal, at time.Time) {
	fmt.Fprintln(w, "claim", nonce, uint32(u), at.Unix())
}
func (w *teller) leased(upto Ordinal)             { fmt.Fprintln(w, "lease", uint32(upto)) }
func (w *teller) label(l Label, state LabelState) { fmt.Fprintf(w, "label %d %+v\n", l, state) }
func (w *teller) mask(m Mask, u Ordinal, on bool) { fmt.Fprintln(w, "mask", m, uint32(u), on) }
func (w *teller) space(number Space, name string) { fmt.Fprintln(w, "space", number, name) }
func (w *teller) id(space Space, external []byte, u Ordinal, d Day) {
	fmt.Fprintf(w, "id %d %q %d %s\n", space, external, uint32(u), d)
}
func (w *teller) document(id documentID, value []byte) {
	fmt.Fprintf(w, "document %s %s %q\n", id.kind, id.name, value)
}
func (w *teller) horizon(d Day) { fmt.Fprintln(w, "horizon", d) }

func everyRecord(t testing.TB) *Records {
	var r Records
	r.Hit(300, 20_000, 1, 70_000)
	r.Hit(4_294_967_295, 20_001)
	r.Claim(1<<63+5, 9, time.Unix(1_790_000_000, 0))
	r.lease(2048)
	if err := r.label(7, LabelState{LabelSpec: LabelSpec{Name: "a/b", Retention: 30, Origin: ThirdParty, Provider: "x"}, Floor: 19_000}); err != nil {
		t.Fatal(err)
	}
	r.Mask(Robot, 12, true)
	r.Mask(OptedOut, 12, false)
	r.space(3, "crm")
	r.ID(3, []byte("customer 1"), 12, 20_000)
	r.horizon(20_002)
	r.document(documentID{"segment", "buyers"}, []byte(`{"text":"bought/*"}`))
	r.document(documentID{"segment", "old"}, nil)
	return &r
}

func TestRecordsOfFormat1(t *testing.T) {
	const bytesFile, tellingFile = "testdata/records.v1.hex", "testdata/records.v1.txt"
	if *rewrite {
		var told teller
		r := everyRecord(t)
		if err := replay(r.buf, &told, new([]Label)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(bytesFile, []byte(hex.EncodeToString(r.buf)), 0o644), os.WriteFile(tellingFile, told.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(bytesFile)
	if err != nil {
		t.Fatal(err)
	}
	records, err := hex.DecodeString(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(tellingFile)
	if err != nil {
		t.Fatal(err)
	}
	var told teller
	if err := replay(records, &told, new([]Label)); err != nil {
		t.Fatal(err)
	}
	if told.String() != string(want) {
		t.Errorf("replayed\n%s\nwant\n%s", told.String(), want)
	}
	if !bytes.Equal(everyRecord(t).buf, records) {
		t.Error("the records are encoded otherwise than format 1 says")
	}
}

func FuzzReplay(f *testing.F) {
	f.Add(everyRecord(f).buf)
	f.Fuzz(func(t *testing.T, records []byte) {
		var told teller
		if err := replay(records, &told, new([]Label)); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("error %v, want ErrCorrupt", err)
		}
	})
}

func FuzzDecodeDelta(f *testing.F) {
	var events dayEvents
	events.grow(3)
	events.chunks[2] = []block.Key{1, 70000, 3 << 40}
	if err := encodeDelta(&events, func(value []byte) error { f.Add(value[:len(value)-4]); return nil }); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var out dayEvents
		if err := decodeDelta(checked(bytes.Clone(body)), &out); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("error %v, want ErrCorrupt", err)
		}
	})
}
