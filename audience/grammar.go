package audience

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// keywords are all words the language has or will have; a label of that name
// stands in quotes.
var keywords = map[string]bool{
	"and": true, "or": true, "not": true, "within": true, "on": true, "days": true, "then": true,
	"between": true, "as": true, "of": true, "segment": true, "lookalike": true,
}

// The lexer never fails: what fits nowhere is an "Other", which scan reports in
// the words of the language. Scan also makes a "Reserved" of each word that is
// a keyword: no pattern can tell "and" from the beginning of "and-more".
var language = lexer.MustStateful(lexer.Rules{
	"Root": {
		{Name: "space", Pattern: `\s+`}, // in lower case: left out by the lexer
		{Name: "Prefix", Pattern: `[A-Za-z0-9_.:/-]*/\*`},
		{Name: "Word", Pattern: `[A-Za-z0-9_.:/-]+`},
		{Name: "Quoted", Pattern: `"[^"\n]*"|'[^'\n]*'`},
		{Name: "Reserved", Pattern: `[()]`},
		{Name: "Other", Pattern: `(?s).`},
	},
})

var (
	otherToken    = language.Symbols()["Other"]
	reservedToken = language.Symbols()["Reserved"]
	wordToken     = language.Symbols()["Word"]
	prefixToken   = language.Symbols()["Prefix"]
	quotedToken   = language.Symbols()["Quoted"]
)

// The grammar, loosest operator first. One token of lookahead decides every
// branch, so parsing takes linear time and an error is where it seems to be.
type (
	orRule struct {
		Parts []*andRule `parser:"@@ ( 'or' @@ )*"`
	}
	andRule struct {
		Parts []*notRule `parser:"@@ ( 'and' @@ )*"`
	}
	notRule struct {
		Pos  lexer.Position
		Nots []string    `parser:"@'not'*"`
		Of   *windowRule `parser:"@@"`
	}
	windowRule struct {
		Of     *operandRule `parser:"@@"`
		Within *withinRule  `parser:"@@?"`
	}
	withinRule struct {
		Pos  lexer.Position
		Days *daysRule `parser:"'within' @@"`
	}
	daysRule struct {
		Pos  lexer.Position
		Text string `parser:"@Word"`
	}
	operandRule struct {
		Pos    lexer.Position
		Word   string  `parser:"  @Word"`
		Quoted string  `parser:"| @Quoted"`
		Prefix string  `parser:"| @Prefix"`
		Group  *orRule `parser:"| '(' @@ ')'"`
	}
)

var grammar = participle.MustBuild[orRule](
	participle.Lexer(language),
	participle.CaseInsensitive("Reserved"),
)

// tokens hands tokens that were scanned before to the parser.
type tokens struct {
	left []lexer.Token
	end  lexer.Token
}

// Next returns the next token, at the end forever the end.
func (t *tokens) Next() (lexer.Token, error) {
	if len(t.left) == 0 {
		return t.end, nil
	}
	token := t.left[0]
	t.left = t.left[1:]
	return token, nil
}

// is reports whether the token is the given keyword or bracket.
func is(token lexer.Token, what string) bool {
	return token.Type == reservedToken && strings.EqualFold(token.Value, what)
}

func isKeyword(token lexer.Token) bool {
	return token.Type == reservedToken && keywords[strings.ToLower(token.Value)]
}
