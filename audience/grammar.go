package audience

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// keywords are the words of the language; a label of that name stands in
// quotes.
var keywords = map[string]bool{
	"and": true, "or": true, "not": true, "within": true, "on": true, "days": true, "then": true,
	"between": true, "as": true, "of": true, FuncSegment: true, FuncLookalike: true,
}

// The lexer never fails: what fits nowhere is an "Other", which scan reports in
// the words of the language. Scan also makes a "Reserved" of each word that is
// a keyword: no pattern can tell "and" from the beginning of "and-more".
var language = lexer.MustStateful(lexer.Rules{
	"Root": {
		{Name: "space", Pattern: `\s+`}, // in lower case: left out by the lexer
		{Name: "Prefix", Pattern: `[A-Za-z0-9_.:/-]*/\*`},
		{Name: "Times", Pattern: `[0-9]+\+`},
		{Name: "Word", Pattern: `[A-Za-z0-9_.:/-]+`},
		{Name: "Quoted", Pattern: `"[^"\n]*"|'[^'\n]*'`},
		{Name: "Reserved", Pattern: `[(),]`},
		{Name: "Other", Pattern: `(?s).`},
	},
})

var (
	otherToken    = language.Symbols()["Other"]
	reservedToken = language.Symbols()["Reserved"]
	wordToken     = language.Symbols()["Word"]
	timesToken    = language.Symbols()["Times"]
	prefixToken   = language.Symbols()["Prefix"]
	quotedToken   = language.Symbols()["Quoted"]
)

// The grammar, loosest operator first. One token of lookahead decides every
// branch, so parsing takes linear time and an error is where it seems to be.
type (
	asOfRule struct {
		Of   *orRule `parser:"@@"`
		AsOf *wordAt `parser:"( 'as' 'of' @@ )?"`
	}
	orRule struct {
		Parts []*andRule `parser:"@@ ( 'or' @@ )*"`
	}
	andRule struct {
		Parts []*notRule `parser:"@@ ( 'and' @@ )*"`
	}
	notRule struct {
		Pos  lexer.Position
		Nots []string  `parser:"@'not'*"`
		Of   *thenRule `parser:"@@"`
	}
	thenRule struct {
		First *windowRule `parser:"@@"`
		Then  []*thenTail `parser:"@@*"`
	}
	// thenTail takes "within" for itself: it is the gap.
	thenTail struct {
		Pos    lexer.Position
		Second *operandRule `parser:"'then' @@"`
		Gap    *wordAt      `parser:"( 'within' @@ )?"`
	}
	windowRule struct {
		Of        *operandRule   `parser:"@@"`
		Frequency *frequencyRule `parser:"@@?"`
		Within    *withinRule    `parser:"@@?"`
	}
	frequencyRule struct {
		Pos   lexer.Position
		Times string `parser:"'on' @Times 'days'"`
	}
	withinRule struct {
		Pos  lexer.Position
		Days *wordAt `parser:"'within' @@"`
	}
	operandRule struct {
		Pos     lexer.Position
		Word    string       `parser:"  @Word"`
		Quoted  string       `parser:"| @Quoted"`
		Prefix  string       `parser:"| @Prefix"`
		Group   *asOfRule    `parser:"| '(' @@ ')'"`
		Between *betweenRule `parser:"| 'between' '(' @@ ')'"`
		Call    *callRule    `parser:"| @@"`
	}
	betweenRule struct {
		Of   *orRule `parser:"@@"`
		From *wordAt `parser:"',' @@"`
		To   *wordAt `parser:"',' @@"`
	}
	callRule struct {
		Function string  `parser:"@( 'segment' | 'lookalike' ) '('"`
		Name     *wordAt `parser:"@@ ')'"`
	}
	// wordAt is a word with its place.
	wordAt struct {
		Pos  lexer.Position
		Text string `parser:"@( Word | Quoted )"`
	}
)

var grammar = participle.MustBuild[asOfRule](
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
