package storage

import "github.com/dgraph-io/badger/v4"

// cursor says how far the store directory is ahead: it is written last, alone,
// after everything it speaks of is on the device. Only then is the log trimmed.
type cursor struct {
	// Seq is the batch up to which the log is folded and saved.
	Seq uint64 `json:"seq"`
	// Users is above every ordinal that has a record.
	Users Ordinal `json:"users"`
	// Leased is the ordinal below which all may have been given out.
	Leased Ordinal `json:"leased"`
	// Horizon is the highest day seen in the log; deletion follows it.
	Horizon Day `json:"horizon"`
	// Jump is a day more than two ahead of the horizon that waits for an
	// operator's word; 0 when there is none.
	Jump Day `json:"jump,omitempty"`
}

func (s *Store) saveCursor(c cursor) error {
	value, err := checkedJSON(c)
	if err != nil {
		return err
	}
	return s.set([]byte{keyCursor}, value)
}

func (s *Store) loadCursor() (c cursor, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte{keyCursor})
		if err == badger.ErrKeyNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(value []byte) error { return uncheckedJSON(value, &c) })
	})
	return c, err
}
