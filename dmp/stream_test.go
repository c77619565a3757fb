package dmp

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"sosie/storage"
)

// TestStreamIsNeverShort: a stream that ends anywhere before its end frame is
// an error.
func TestStreamIsNeverShort(t *testing.T) {
	var whole bytes.Buffer
	f := &frameWriter{w: bufio.NewWriter(&whole)}
	for _, name := range []string{"a", "", "\x00\n", string(bytes.Repeat([]byte("x"), 300))} {
		if err := f.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.progress(1, 2, 4), f.json(frameEnd, Export{Users: 4, Names: 4})); err != nil {
		t.Fatal(err)
	}
	for n := range whole.Len() {
		var got collector
		if _, err := readFrames(bytes.NewReader(whole.Bytes()[:n]), &got, nil); !errors.Is(err, ErrCut) {
			t.Fatalf("cut after %d of %d bytes: %v", n, whole.Len(), err)
		}
	}
	var got collector
	var users uint64
	result, err := readFrames(&whole, &got, func(_, _ int, n uint64) { users = n })
	if err != nil || result.Names != 4 || len(got) != 4 || got[2] != "\x00\n" || users != 4 {
		t.Errorf("whole: %+v, %q, %v", result, got, err)
	}
}

func TestStreamCarriesFailure(t *testing.T) {
	var b bytes.Buffer
	f := &frameWriter{w: bufio.NewWriter(&b)}
	sent := &Error{Op: "export", Object: "seen", Err: storage.ErrCorrupt, Hint: "Restore it."}
	if err := f.json(frameFailure, failureOf(sent)); err != nil {
		t.Fatal(err)
	}
	_, err := readFrames(&b, &collector{}, nil)
	if !errors.Is(err, storage.ErrCorrupt) || err.Error() != sent.Error() || Hint(err) != sent.Hint {
		t.Errorf("got %v, hint %q", err, Hint(err))
	}
}

func TestStreamRefusesStrangeFrames(t *testing.T) {
	for _, b := range [][]byte{{'z', 0}, {frameName, 0xff, 0xff, 0xff, 0x7f}, {frameEnd, 1, '{'}} {
		if _, err := readFrames(bytes.NewReader(b), &collector{}, nil); !errors.Is(err, ErrCut) {
			t.Errorf("%v: %v", b, err)
		}
	}
}

// broken is a writer whose disk is full.
type broken struct{}

func (broken) Write([]byte) error { return storage.ErrFull }

// TestExportStopsWithItsWriter: the reader's own failure is what it reports.
func TestExportStopsWithItsWriter(t *testing.T) {
	s := serve(t, testConfig(t))
	b := newBrowser(t, s.pixel)
	b.hit("interest/tennis")
	b.hit("")
	for _, e := range []Engine{s.client, s.DMP} {
		if _, err := e.Export(t.Context(), ExportRequest{Expression: "seen"}, broken{}, nil); !errors.Is(err, storage.ErrFull) {
			t.Errorf("%T: %v", e, err)
		}
	}
}
