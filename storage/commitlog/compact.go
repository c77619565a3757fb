package commitlog

import (
	"fmt"

	"sosie/storage/compact"
)

// Compact takes the batches that were trimmed off the device, where they stay
// otherwise until Badger has written much more. Appends wait for the first part
// of it, a tenth of a second or so. It must not run beside Trim.
func (l *Log) Compact() error {
	done := make(chan error, 1)
	l.mu.Lock()
	err := l.err()
	if err == nil {
		// Only the committer writes, and a write beside the flush would fail.
		l.errand = func() { done <- compact.Flush(l.db, key(0)) }
		l.work.Signal()
	}
	l.mu.Unlock()
	if err == nil {
		err = <-done
	}
	if err == nil {
		err = compact.Merge(l.db)
	}
	if err != nil {
		return fmt.Errorf("compact log: %w", err)
	}
	return nil
}
