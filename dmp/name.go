package dmp

import (
	"errors"
	"fmt"
	"strings"

	"sosie/pixel/identity"
	"sosie/storage"
)

// An operator names a user by an external id, SPACE:ID, or by the pseudonym of
// the partner "file", which exports write. Names of spaces may hold colons, and
// so may ids: the longest space that has been declared wins.

// splits returns every way to read a name as an id in a space, the longest space
// first.
func splits(name string) (ids []storage.WantedID) {
	for i := len(name) - 2; i > 0; i-- {
		if name[i] == ':' {
			ids = append(ids, storage.WantedID{Space: name[:i], External: name[i+1:]})
		}
	}
	return ids
}

// named returns the users that a name means.
func (d *DMP) named(name string, pseudonyms *identity.Pseudonyms) ([]storage.Ordinal, error) {
	ids := splits(name)
	for _, id := range ids {
		space, ok := d.store.LookupSpace(id.Space)
		if !ok {
			continue
		}
		users, err := d.store.IDs().Holders(space, []byte(id.External))
		if err != nil {
			return nil, err
		}
		if len(users) == 0 {
			return nil, fmt.Errorf("%w: no user has this id in the space %s, or it was erased", ErrUnknownUser, id.Space)
		}
		return users, nil
	}
	if len(ids) > 0 {
		return nil, fmt.Errorf("%w: the id space %s was never declared", ErrUnknownUser, ids[len(ids)-1].Space)
	}
	u, err := openPseudonym(name, pseudonyms)
	if err == nil && u >= d.store.HighWater() {
		err = fmt.Errorf("%w: the pseudonym is of a user that this store never had", ErrUnknownUser)
	}
	if err != nil {
		return nil, err
	}
	return []storage.Ordinal{u}, nil
}

func openPseudonym(name string, pseudonyms *identity.Pseudonyms) (storage.Ordinal, error) {
	u, err := pseudonyms.Open([]byte(name))
	switch {
	case errors.Is(err, identity.ErrForged) && strings.HasPrefix(name, "p"):
		return 0, fmt.Errorf("%w: it is no pseudonym of ours, and no id either, which is SPACE:ID", ErrUnknownUser)
	case errors.Is(err, identity.ErrForged):
		return 0, fmt.Errorf("%w: want SPACE:ID, or a pseudonym as in exports", ErrUnknownUser)
	}
	return u, err
}
