package storage

import (
	"fmt"
	"math"
	"sync"
)

// leaseBlock is the number of ordinals made durable at a time: one more commit
// per so many new users, and at most so many skipped by a crash.
const leaseBlock = 1024

// bulkBlock is the same for those that imports ask for.
const bulkBlock = 16 * leaseBlock

// leases gives out ordinals. Nothing is given out that the log does not know
// as leased, so that no crash can give an ordinal out twice.
type leases struct {
	mu     sync.Mutex
	next   Ordinal
	leased Ordinal // below it ordinals may be given out
}

// NewUser returns an ordinal that was never given out before and never will be
// again. It waits for the device when a new block must be leased.
func (s *Store) NewUser() (Ordinal, error) {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if s.leases.next == s.leases.leased {
		if s.leases.leased > math.MaxUint32-leaseBlock {
			return 0, ErrNoOrdinals
		}
		if err := s.lease(s.leases.leased + leaseBlock); err != nil {
			return 0, fmt.Errorf("lease ordinals: %w", err)
		}
	}
	u := s.leases.next
	s.leases.next++
	return u, nil
}

// NewUsers returns the first of n neighbouring new ordinals, for imports.
func (s *Store) NewUsers(n int) (Ordinal, error) {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if n < 1 || uint64(s.leases.next)+uint64(n) > math.MaxUint32-bulkBlock {
		return 0, fmt.Errorf("lease %d ordinals: %w", n, ErrNoOrdinals)
	}
	if need := s.leases.next + Ordinal(n); need > s.leases.leased {
		if err := s.lease((need + bulkBlock - 1) / bulkBlock * bulkBlock); err != nil {
			return 0, fmt.Errorf("lease ordinals: %w", err)
		}
	}
	u := s.leases.next
	s.leases.next += Ordinal(n)
	return u, nil
}

func (s *Store) lease(upto Ordinal) error {
	var r Records
	r.lease(upto)
	if _, err := s.AppendPatiently(&r); err != nil {
		return err
	}
	s.leases.leased = upto
	return nil
}

// giveBack shortens the lease to what was given out, at a clean end.
func (s *Store) giveBack() error {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if s.leases.next == s.leases.leased {
		return nil
	}
	return s.lease(s.leases.next)
}

// HighWater is the ordinal below which all have been given out or skipped: a
// cookie that names a higher one was never sealed for this store.
func (s *Store) HighWater() Ordinal {
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	return s.leases.next
}
