package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sosie/storage"
	"sosie/storage/block"
)

// three holds the users 0, 1, 63, 64 and 65535 of each of three chunks.
type three struct{ broken error }

func (three) Chunks() int          { return 3 }
func (three) Stamp() storage.Stamp { return storage.Stamp{Seq: 7, Day: 20000} }
func (s three) Chunk(dst *block.Words, chunk int) error {
	dst.Clear()
	for _, low := range []uint16{0, 1, 63, 64, 65535} {
		dst.Set(low)
	}
	if chunk == 2 {
		return s.broken
	}
	return nil
}

// byRest names a user "u<n>", none if n%3 is 1, twice if n%3 is 2.
type byRest struct{ broken error }

func (n byRest) Name(u storage.Ordinal, fn func([]byte) error) error {
	if u == 65536 && n.broken != nil {
		return n.broken
	}
	for i := range []int{1, 0, 2}[u%3] {
		if err := fn(fmt.Appendf(nil, "u%d/%d", u, i)); err != nil {
			return err
		}
	}
	return nil
}

// lines keeps what is written, up to a limit.
type lines struct {
	kept  []string
	limit int
}

var errNoRoom = errors.New("no space left")

func (l *lines) Write(name []byte) error {
	if len(l.kept) == l.limit {
		return errNoRoom
	}
	l.kept = append(l.kept, string(name))
	return nil
}

func TestExport(t *testing.T) {
	to, progress := &lines{limit: 100}, []string(nil)
	r, err := Export(context.Background(), three{}, byRest{}, to, func(done, total int, users uint64) {
		progress = append(progress, fmt.Sprintf("%d/%d %d", done, total, users))
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	nameless := uint64(0)
	for chunk := range 3 {
		for _, low := range []int{0, 1, 63, 64, 65535} {
			u := chunk<<16 | low
			switch u % 3 {
			case 1:
				nameless++
			case 2:
				want = append(want, fmt.Sprintf("u%d/0", u), fmt.Sprintf("u%d/1", u))
			default:
				want = append(want, fmt.Sprintf("u%d/0", u))
			}
		}
	}
	if !slices.Equal(to.kept, want) {
		t.Errorf("wrote %v, want %v", to.kept, want)
	}
	if want := (Result{Stamp: three{}.Stamp(), Users: 15, Names: uint64(len(want)), Nameless: nameless}); r != want {
		t.Errorf("result %+v, want %+v", r, want)
	}
	if got := strings.Join(progress, ", "); got != "1/3 5, 2/3 10, 3/3 15" {
		t.Errorf("progress %s", got)
	}
}

func TestExportFails(t *testing.T) {
	broken := errors.New("flipped bit")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []struct {
		name  string
		ctx   context.Context
		set   three
		namer byRest
		limit int
		want  error
	}{
		{"set", context.Background(), three{broken}, byRest{}, 100, broken},
		{"namer", context.Background(), three{}, byRest{broken}, 100, broken},
		{"writer", context.Background(), three{}, byRest{}, 3, errNoRoom},
		{"cancelled", cancelled, three{}, byRest{}, 100, context.Canceled},
	} {
		to := &lines{limit: row.limit}
		r, err := Export(row.ctx, row.set, row.namer, to, nil)
		if !errors.Is(err, row.want) || r.Names != uint64(len(to.kept)) {
			t.Errorf("%s: error %v after %d of %d names", row.name, err, r.Names, len(to.kept))
		}
	}
}
