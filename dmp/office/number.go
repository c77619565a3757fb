package office

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sosie/dmp/access"
	"sosie/storage"
)

// The words in place of a number.
const (
	fewWord      = "< 20"
	withheldWord = "withheld"
)

// number is a number of users as the caller may know it: the number; "< 20", which
// says that it is smaller; or "withheld", where it would tell one that is.
type number struct {
	n    uint64
	word string
}

// tell is a number for a caller who is told every one, or for one who is not.
func tell(n uint64, exact bool) number {
	if !exact && n < access.MinUsers {
		return number{word: fewWord}
	}
	return number{n: n}
}

// withheld is a number that would tell a smaller one.
func withheld() number { return number{word: withheldWord} }

// small reports whether some users, but fewer than a buyer may know of, make up a
// difference. A difference of nobody is about nobody.
func small(n uint64) bool { return n > 0 && n < access.MinUsers }

// MarshalJSON writes the number, or the word in its place.
func (n number) MarshalJSON() ([]byte, error) {
	if n.word != "" {
		return json.Marshal(n.word)
	}
	return json.Marshal(n.n)
}

// Schema describes both.
func (number) Schema(huma.Registry) *huma.Schema {
	least := 0.0
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeInteger, Minimum: &least},
		{Type: huma.TypeString, Enum: []any{fewWord, withheldWord}},
	}, Description: "A number of users. For a buyer the word \"< 20\" stands for a smaller one, \"withheld\" for one that would tell such."}
}

// TrueOf is what an answer is true of. It is exported because descriptions leave out
// what is embedded otherwise.
type TrueOf struct {
	Sequence uint64    `json:"seq" doc:"The newest batch of the log that took part."`
	Day      string    `json:"day" format:"date" doc:"The UTC day on which labels are in force."`
	At       time.Time `json:"at" doc:"When that was."`
}

func stamped(s storage.Stamp) TrueOf { return TrueOf{s.Seq, s.Day.String(), s.At.UTC()} }
