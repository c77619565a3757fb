package export

import (
	"context"
	"fmt"
	"math/bits"

	"sosie/audience"
	"sosie/storage"
	"sosie/storage/block"
)

// Namer knows what users are called outside.
type Namer interface {
	// Name calls fn with every name of the user: none, one or more. Export asks
	// in ascending order of users, from one goroutine. The name belongs to fn
	// only during the call; an error of fn is returned as it is.
	Name(u storage.Ordinal, fn func(name []byte) error) error
}

// Writer takes names; *File is one.
type Writer interface{ Write(name []byte) error }

// Result is what an export did.
type Result struct {
	// Stamp is what the export is true of.
	Stamp storage.Stamp `json:"stamp"`
	// Users are the users of the set.
	Users uint64 `json:"users"`
	// Names are the lines written; a user may have several names.
	Names uint64 `json:"names"`
	// Nameless are the users of the set who have no name.
	Nameless uint64 `json:"nameless"`
}

// Export writes every name of every user of the set, in ascending order of
// users. It calls progress, unless nil, after each chunk with the chunks done,
// their total, and the users so far. It neither commits nor aborts the writer.
// On an error the result says how far it came.
func Export(ctx context.Context, set audience.Set, namer Namer, to Writer, progress func(done, total int, users uint64)) (Result, error) {
	r := Result{Stamp: set.Stamp()}
	total := set.Chunks()
	write := func(name []byte) error {
		if err := to.Write(name); err != nil {
			return err
		}
		r.Names++
		return nil
	}
	err := audience.Each(ctx, set, func(chunk int, w *block.Words) error {
		for i, word := range w {
			if word == 0 {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.names(namer, storage.At(chunk, uint16(i<<6)), word, write); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(chunk+1, total, r.Users)
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("export: %w", err)
	}
	return r, nil
}

// names writes the users of one word, the first of which is number first.
func (r *Result) names(namer Namer, first storage.Ordinal, word uint64, write func([]byte) error) error {
	for ; word != 0; word &= word - 1 {
		before := r.Names
		u := first + storage.Ordinal(bits.TrailingZeros64(word))
		if err := namer.Name(u, write); err != nil {
			return fmt.Errorf("name user: %w", err)
		}
		r.Users++
		if r.Names == before {
			r.Nameless++
		}
	}
	return nil
}
