package audience_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"sosie/audience"
	"sosie/audience/permit"
	"sosie/storage"
)

// A segment is parsed once, compiled on a view, narrowed to the users who may
// be counted, and counted.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	today := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	store, err := storage.Open(storage.Options{Dir: dir, Clock: func() time.Time { return today }})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	labels, err := store.Declare(storage.LabelSpec{Name: "interest/tennis"}, storage.LabelSpec{Name: "bought/racket"})
	if err != nil {
		log.Fatal(err)
	}
	tennis, racket := labels[0], labels[1]
	var records storage.Records
	records.Hit(1, storage.DayOf(today), tennis)
	records.Hit(2, storage.DayOf(today), tennis, racket)
	records.Hit(3, storage.DayOf(today))
	if _, err := store.Append(&records); err != nil {
		log.Fatal(err)
	}
	if err := store.Sync(); err != nil {
		log.Fatal(err)
	}

	e, err := audience.Parse("Interest/* within 7d AND NOT bought/racket")
	if err != nil {
		log.Fatal(err)
	}
	view := store.View()
	set, _, err := audience.Compile(view, e, nil)
	if err != nil {
		log.Fatal(err)
	}
	n, err := audience.Count(context.Background(), audience.Permitted(set, view, permit.Count))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d on %s\n", e, n, set.Stamp().Day)
	// Output: interest/* within 7d and not bought/racket: 1 on 2026-11-24
}

// An error points at the word.
func ExampleParse() {
	_, err := audience.Parse("interest/tennis and or place/italy")
	fmt.Println(err)
	// Output:
	// column 21: unexpected "or": expected a label, a prefix such as interest/*, "not", "between", "segment" or "("
	//   interest/tennis and or place/italy
	//                       ^
}
