package bench

import (
	"encoding/json"
	"fmt"
	"os"

	"sosie/storage"
)

// memo says what a kept store was filled with. It lies beside the data
// directory, not in it.
type memo struct {
	Shape Shape       `json:"shape"`
	First storage.Day `json:"first"` // day 0 of the population
	Days  int         `json:"days"`  // days fed
}

func memoPath(data string) string { return data + ".bench.json" }

// remember writes the memo of a store that is kept.
func (o StorageOptions) remember(data string) error {
	m := memo{Shape: o.Shape, First: o.first, Days: o.SimulateDays}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("remember population: %w", err)
	}
	if err := os.WriteFile(memoPath(data), text, 0o600); err != nil {
		return fmt.Errorf("remember population: %w", err)
	}
	return nil
}

// recall reads the memo of a kept store.
func recall(data string) (m memo, err error) {
	text, err := os.ReadFile(memoPath(data))
	if err != nil {
		return m, fmt.Errorf("recall population: %w: fill the directory with bench storage --keep", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("recall population %s: %w", memoPath(data), err)
	}
	return m, nil
}
