package audience

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"sosie/audience/permit"
	"sosie/storage"
	"sosie/storage/block"
)

// Affinity is what a set and one label have to do with each other.
type Affinity struct {
	Label string `json:"label"`
	// Users carry the label on any day in force; Common of them are in the set.
	Users  uint64 `json:"users"`
	Common uint64 `json:"common"`
	// OfSet is the share of the set that carries the label, OfLabel the share of
	// the label's users that are in the set.
	OfSet   float64 `json:"of_set"`
	OfLabel float64 `json:"of_label"`
	// Lift is how many times as often the label occurs in the set as in the
	// population; 1 says nothing. It is the same seen from either side.
	Lift float64 `json:"lift"`
}

// Affinities are those of one set with every label.
type Affinities struct {
	// Population and Set are the numbers of users of either.
	Population uint64 `json:"population"`
	Set        uint64 `json:"set"`
	// Labels are ordered by lift, the highest first; labels nobody carries are
	// left out, and so are the reserved ones.
	Labels []Affinity `json:"labels"`
}

// Affine counts every label in a set and in the population, of those users that
// the operation may touch. The set must be of the view.
func Affine(ctx context.Context, v *storage.View, s Set, op permit.Operation) (Affinities, error) {
	population := Permitted(newFormula(viewReader{v}, everybody()), v, op)
	return affine(ctx, v, s, population, func(chunk int) bool { return permit.All(v, chunk, op) })
}

// AffineAmong is Affine within a smaller population, of the same view, in which the
// whole set lies. Both hold only users that the operation at hand may touch.
func AffineAmong(ctx context.Context, v *storage.View, s, population Set) (Affinities, error) {
	return affine(ctx, v, s, population, func(int) bool { return false })
}

// affine counts every label. whole says of a chunk that all its users are of the
// population.
func affine(ctx context.Context, v *storage.View, s, population Set, whole func(chunk int) bool) (Affinities, error) {
	labels := v.Labels()
	users, common := make([]uint64, labels.Len()), make([]uint64, labels.Len())
	var out Affinities
	var adding sync.Mutex
	err := everyChunk(ctx, v.Chunks(), func(next func() (int, bool)) error {
		t := tally{users: make([]uint64, labels.Len()), common: make([]uint64, labels.Len())}
		read := v.Reader()
		for chunk, ok := next(); ok; chunk, ok = next() {
			if err := t.add(read, chunk, s, population, whole(chunk)); err != nil {
				return fmt.Errorf("compare chunk %d: %w", chunk, err)
			}
		}
		adding.Lock()
		defer adding.Unlock()
		out.Set += t.inSet
		out.Population += t.inPopulation
		for l := range users {
			users[l] += t.users[l]
			common[l] += t.common[l]
		}
		return nil
	})
	if err != nil {
		return Affinities{}, err
	}
	for l, n := range users {
		name := labels.Spec(storage.Label(l)).Name
		if n == 0 || storage.Reserved(name) {
			continue
		}
		a := Affinity{Label: name, Users: n, Common: common[l], OfLabel: float64(common[l]) / float64(n)}
		if out.Set > 0 {
			a.OfSet = float64(a.Common) / float64(out.Set)
			a.Lift = a.OfSet / (float64(n) / float64(out.Population))
		}
		out.Labels = append(out.Labels, a)
	}
	slices.SortFunc(out.Labels, func(x, y Affinity) int {
		return cmp.Or(cmp.Compare(y.Lift, x.Lift), cmp.Compare(y.Common, x.Common), cmp.Compare(x.Label, y.Label))
	})
	return out, nil
}

// tally is one worker's counts.
type tally struct {
	users, common       []uint64
	inSet, inPopulation uint64
	set, population     block.Words
	carriers            block.Words
}

// add counts one chunk. Where everybody is of the population, how many carry a
// label is known without counting.
func (t *tally) add(read *storage.ChunkReader, chunk int, s, population Set, whole bool) error {
	if err := s.Chunk(&t.set, chunk); err != nil {
		return err
	}
	if err := population.Chunk(&t.population, chunk); err != nil {
		return err
	}
	inSet := t.set.Count()
	t.inSet += uint64(inSet)
	t.inPopulation += uint64(t.population.Count())
	read.Open(chunk)
	return read.EachLabel(func(l storage.Label, parts []block.Part) {
		among := &t.population
		if whole {
			among = nil
		}
		users, parts := howMany(parts, among, &t.carriers)
		t.users[l] += uint64(users)
		if inSet > 0 {
			common, _ := block.Together(parts, &t.set)
			t.common[l] += uint64(common)
		}
	})
}

// howMany returns how many users of a set, or of all where among is nil, are in any of
// the parts, and the parts in a form that can be counted again without uniting
// them; scratch may be one of them then.
func howMany(parts []block.Part, among, scratch *block.Words) (int, []block.Part) {
	users, ok := block.Together(parts, among)
	if !ok {
		scratch.Unite(parts)
		parts = append(parts[:0], block.PartOf(scratch))
		users, _ = block.Together(parts, among)
	}
	return users, parts
}
