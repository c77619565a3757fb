package storage

import (
	"encoding/binary"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// ClaimLife is how long the claim of a pending cookie is remembered. A pending
// cookie older than that must be refused, or it could become a second user.
const ClaimLife = 24 * time.Hour

// claim is which user a pending cookie became.
type claim struct {
	user Ordinal
	at   int64 // Unix seconds
	// durable is set once the log holds the claim.
	durable bool
}

// claims remembers which pending cookies have become users.
type claims struct {
	mu      sync.Mutex
	byNonce map[uint64]claim
}

// ResolveClaim returns the user that a pending cookie stands for: the one it
// has become, or a new ordinal kept for it. known reports that the claim is
// already in the log; until then the caller puts Records.Claim beside its hit,
// so that parallel returns of one cookie become one user whichever of them is
// made durable first.
func (s *Store) ResolveClaim(nonce uint64) (u Ordinal, known bool, err error) {
	s.claims.mu.Lock()
	c, ok := s.claims.byNonce[nonce]
	s.claims.mu.Unlock()
	if ok {
		return c.user, c.durable, nil
	}
	fresh, err := s.NewUser() // outside the lock: it may wait for the device
	if err != nil {
		return 0, false, fmt.Errorf("resolve claim: %w", err)
	}
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if c, ok := s.claims.byNonce[nonce]; ok { // another return was faster
		return c.user, c.durable, nil
	}
	s.claims.byNonce[nonce] = claim{user: fresh, at: s.clock().Unix()}
	return fresh, false, nil
}

// LookupClaim returns the user that a pending cookie has become, if it has.
func (s *Store) LookupClaim(nonce uint64) (u Ordinal, ok bool) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	c, ok := s.claims.byNonce[nonce]
	return c.user, ok
}

// fold takes over a claim from the log.
func (c *claims) fold(nonce uint64, u Ordinal, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byNonce[nonce] = claim{user: u, at: at, durable: true}
}

// forget drops the claims made before a time.
func (c *claims) forget(before int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for nonce, claim := range c.byNonce {
		if claim.at < before {
			delete(c.byNonce, nonce)
		}
	}
}

// forgetUsers drops the claims of some users.
func (c *claims) forgetUsers(which func(u Ordinal) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.byNonce, func(_ uint64, claim claim) bool { return which(claim.user) })
}

func (c *claims) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byNonce)
}

// claimRow is a claim as it is checkpointed: nonce u64, ordinal u32, Unix
// seconds u32.
type claimRow struct {
	nonce uint64
	user  Ordinal
	at    int64
}

const claimRowSize = 16

func encodeClaims(rows []claimRow) []byte {
	value := make([]byte, 0, len(rows)*claimRowSize+4)
	for _, r := range rows {
		value = binary.LittleEndian.AppendUint64(value, r.nonce)
		value = binary.LittleEndian.AppendUint32(value, uint32(r.user))
		value = binary.LittleEndian.AppendUint32(value, uint32(r.at))
	}
	return checked(value)
}

// loadClaims reads the claims still alive and deletes the values that hold
// none any more.
func (s *Store) loadClaims(before int64) error {
	var dead [][]byte
	err := eachValue(s.db, []byte{keyClaims}, func(key, value []byte) error {
		rows, err := unchecked(value)
		if err != nil {
			return err
		}
		alive := false
		for ; len(rows) >= claimRowSize; rows = rows[claimRowSize:] {
			at := int64(binary.LittleEndian.Uint32(rows[12:]))
			if at >= before {
				alive = true
				s.claims.fold(binary.LittleEndian.Uint64(rows), Ordinal(binary.LittleEndian.Uint32(rows[8:])), at)
			}
		}
		if !alive {
			dead = append(dead, append([]byte(nil), key...))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load claims: %w", err)
	}
	return s.deleteKeys(dead)
}

func (s *Store) deleteKeys(keys [][]byte) error {
	if len(keys) == 0 {
		return nil
	}
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, k := range keys {
		if err := batch.Delete(k); err != nil {
			return err
		}
	}
	return batch.Flush()
}

// saveClaims writes new claims in values of bounded size.
func saveClaims(batch *badger.WriteBatch, seq uint64, rows []claimRow) error {
	const perValue = maxValue / claimRowSize
	for part := 0; len(rows) > 0; part++ {
		n := min(perValue, len(rows))
		if err := batch.Set(claimsKey(seq, part), encodeClaims(rows[:n])); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
