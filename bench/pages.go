package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"sosie/pixel/rules"
)

// sections and words are what the pages of the pixel benchmark differ by. Rules know
// three sections of four and one word of three, so that a hit meets one rule.
const (
	sections = 200
	words    = 300
)

// pageRules returns n rules: of three, two know a section and one a word.
func pageRules(n int) []rules.Rule {
	list := make([]rules.Rule, 0, n)
	for i := range n {
		label := rules.Any{fmt.Sprintf("page/%03d", i)}
		if i%3 == 2 {
			list = append(list, rules.Rule{Words: rules.Any{fmt.Sprintf("word%d", i)}, Labels: label})
		} else {
			list = append(list, rules.Rule{Path: rules.Any{fmt.Sprintf("/section-%d/*", i)}, Labels: label})
		}
	}
	return list
}

// appendPage appends the parameters of a page as the tag sends them.
func appendPage(dst []byte, random *rand.Rand) []byte {
	dst = append(dst, "&u=https%3A%2F%2Fwww.news.example%2Fsection-"...)
	dst = strconv.AppendUint(dst, uint64(random.Uint32N(sections)), 10)
	dst = append(dst, "%2Farticle-"...)
	dst = strconv.AppendUint(dst, uint64(random.Uint32()), 10)
	dst = append(dst, "%3Fref%3Dhome&r=https%3A%2F%2Fwww.news.example%2F&t=What+the+paper+says+of+word"...)
	dst = strconv.AppendUint(dst, uint64(random.Uint32N(words)), 10)
	return append(dst, "+today+%E2%80%94+The+News&w=news%2C+today%2C+paper"...)
}
