package access

import (
	"cmp"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sosie/storage"
)

// Kind is the kind of document that keeps a token's hash and grant, by its id.
const Kind = "token"

// MaxTokens is how many tokens a house may have.
const MaxTokens = 10_000

// kept is a token as its document keeps it.
type kept struct {
	Grant
	SHA256 string `json:"sha256"` // hexadecimal
}

// entry is a token in memory.
type entry struct {
	sum   sum
	grant Grant
	rate  *rate.Limiter
}

// Keyring is the tokens of a house. Its methods are safe for concurrent use.
type Keyring struct {
	documents *storage.Documents
	editing   sync.Mutex // held until what was edited is in entries
	entries   atomic.Pointer[map[sum]*entry]
	tries     *tries
}

// Open reads the tokens of a store.
func Open(documents *storage.Documents) (*Keyring, error) {
	k := &Keyring{documents: documents, tries: newTries()}
	if err := k.load(); err != nil {
		return nil, err
	}
	return k, nil
}

// load reads the documents anew. What is left of a token's rate goes on.
func (k *Keyring) load() error {
	entries := map[sum]*entry{}
	before := k.entries.Load()
	for id, value := range k.documents.List(Kind) {
		var t kept
		if err := json.Unmarshal(value, &t); err != nil {
			return fmt.Errorf("read token %s: %w", id, err)
		}
		text, err := hex.DecodeString(t.SHA256)
		if err != nil || len(text) != len(sum{}) {
			return fmt.Errorf("read token %s: its hash cannot be read", id)
		}
		s := sum(text)
		perSecond := cmp.Or(t.Rate, t.Role.rate())
		e := &entry{sum: s, grant: t.Grant, rate: rate.NewLimiter(rate.Limit(perSecond), 2*perSecond)}
		if before != nil && (*before)[s] != nil {
			e.rate = (*before)[s].rate
		}
		entries[s] = e
	}
	k.entries.Store(&entries)
	return nil
}

// Create makes a token for a grant, whose ID and Created it fills in. The token is
// not kept: it is returned this once. The error is ErrBadGrant.
func (k *Keyring) Create(g Grant) (token string, made Grant, err error) {
	made, err = g.normal()
	if err != nil {
		return "", Grant{}, fmt.Errorf("create token: %w", err)
	}
	token = newToken(made.Role)
	s, _ := sumOf(token)
	made.ID, made.Created = random(idChars), time.Now().UTC().Truncate(time.Second)
	value, err := json.Marshal(kept{made, hex.EncodeToString(s[:])})
	if err == nil {
		err = k.edit(func(edit *storage.Edit) error {
			n := 0
			for range edit.List(Kind) {
				n++
			}
			if n >= MaxTokens {
				return fmt.Errorf("%w: there are %d tokens: revoke some", ErrBadGrant, n)
			}
			return edit.Put(Kind, made.ID, value)
		})
	}
	if err != nil {
		return "", Grant{}, fmt.Errorf("create token: %w", err)
	}
	return token, made, nil
}

// Revoke ends a token by its id: it opens nothing from now on. The error is
// ErrUnknown.
func (k *Keyring) Revoke(id string) error {
	err := k.edit(func(edit *storage.Edit) error { return edit.Delete(Kind, id) })
	if errors.Is(err, storage.ErrNoDocument) {
		err = ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", id, err)
	}
	return nil
}

// edit changes the documents, and what is in memory with them.
func (k *Keyring) edit(fn func(*storage.Edit) error) error {
	k.editing.Lock()
	defer k.editing.Unlock()
	if err := k.documents.Edit(fn); err != nil {
		return err
	}
	return k.load()
}

// List returns the grants of all tokens, oldest first.
func (k *Keyring) List() []Grant {
	var out []Grant
	for e := range maps.Values(*k.entries.Load()) {
		out = append(out, e.grant)
	}
	slices.SortFunc(out, func(a, b Grant) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Grant returns what a token stands for. It allocates nothing. How long it takes
// tells nothing of any token: what is looked up and compared are hashes, which
// nobody can choose the beginning of.
func (k *Keyring) Grant(token string) (Grant, bool) {
	if e := find(k, token); e != nil {
		return e.grant, true
	}
	return Grant{}, false
}

func find[T string | []byte](k *Keyring, token T) *entry {
	s, ok := sumOf(token)
	if !ok {
		return nil
	}
	e := (*k.entries.Load())[s]
	if e == nil || subtle.ConstantTimeCompare(e.sum[:], s[:]) != 1 {
		return nil
	}
	return e
}
