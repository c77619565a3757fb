package rules

import "bytes"

// engines are the search engines whose addresses show what was searched for, by
// the name of the host or of a domain above it, with the parameters that hold the
// words. Most of them tell other sites only that the visitor came from there, so
// this is a gift of the few visits that still show words.
var engines = map[string][]string{
	"bing.com":           {"q"},
	"duckduckgo.com":     {"q"},
	"ecosia.org":         {"q"},
	"qwant.com":          {"q"},
	"search.brave.com":   {"q"},
	"startpage.com":      {"query", "q"},
	"ask.com":            {"q"},
	"search.aol.com":     {"q"},
	"search.yahoo.com":   {"p"},
	"search.yahoo.co.jp": {"p"},
	"baidu.com":          {"wd", "word"},
	"sogou.com":          {"query"},
	"so.com":             {"q"},
	"naver.com":          {"query"},
	"daum.net":           {"q"},
	"search.seznam.cz":   {"q"},
	"coccoc.com":         {"query"},
	"mojeek.com":         {"q"},
	"swisscows.com":      {"query"},
	"kagi.com":           {"q"},
	"ya.ru":              {"text"},
}

// nationalEngines are engines with a domain in many countries: google.de,
// google.co.uk, google.com.br.
var nationalEngines = map[string][]string{
	"google": {"q"},
	"yandex": {"text"},
}

// engineParameters returns the parameters that hold the words of a search engine,
// or nothing for other hosts. The name is folded.
func engineParameters(name []byte) []string {
	for rest := name; ; {
		if parameters := engines[string(rest)]; parameters != nil {
			return parameters
		}
		head, tail, more := bytes.Cut(rest, dot)
		if !more {
			return nil
		}
		if parameters := nationalEngines[string(head)]; parameters != nil && isCountry(tail) {
			return parameters
		}
		rest = tail
	}
}

// isCountry says that a name is what countries hand out domains under: com, de,
// co.uk, com.br.
func isCountry(name []byte) bool {
	second, top, two := bytes.Cut(name, dot)
	if !two {
		return len(name) == 2 || string(name) == "com"
	}
	return len(top) == 2 && (string(second) == "co" || string(second) == "com")
}
