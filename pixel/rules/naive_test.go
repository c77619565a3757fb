package rules

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// naive is the plainest matcher there is: every rule, condition by condition, one
// element after the other. It shares nothing with Match but the list of search
// engines.
type naive struct {
	zone       *time.Location
	parameters []string
	rules      []Rule
}

func (n naive) match(p *Page) []int {
	var fired []int
	for i := range n.rules {
		if n.fires(&n.rules[i], p) {
			fired = append(fired, i)
		}
	}
	return fired
}

func (n naive) fires(r *Rule, p *Page) bool {
	one := func(any Any, is func(string) bool) bool { return any == nil || slices.ContainsFunc(any, is) }
	path := string(p.Path[:min(len(p.Path), maxText)])
	query := pairs(p.Query)
	host, _, referred := SplitURL(p.Referrer[:min(len(p.Referrer), maxText)])
	at := p.Time.In(n.zone)
	for parameter, values := range r.Query {
		if !one(values, func(want string) bool {
			return slices.ContainsFunc(query, func(kv [2]string) bool { return kv[0] == parameter && (want == "*" || kv[1] == want) })
		}) {
			return false
		}
	}
	searched := []string{string(p.Search)}
	for _, kv := range query {
		if slices.Contains(n.parameters, kv[0]) {
			searched = append(searched, kv[1])
		}
	}
	for _, kv := range pairs(referred) {
		if slices.Contains(engineParameters([]byte(plainHost(host))), kv[0]) {
			searched = append(searched, kv[1])
		}
	}
	words := []string{string(p.Title), unescape(string(p.Canonical[:min(len(p.Canonical), maxText)]), false), string(p.Meta)}
	items := append([]string{string(p.Object)}, strings.Split(string(p.Items[:min(len(p.Items), maxText)]), ",")...)
	return one(r.Host, func(h string) bool { return hostIs(plainHost(p.Host), h) }) &&
		one(r.Path, func(want string) bool { return pathIs(path, want) }) &&
		one(r.Search, func(w string) bool {
			return slices.ContainsFunc(searched, func(t string) bool { return contains(t, w) })
		}) &&
		one(r.Words, func(w string) bool { return slices.ContainsFunc(words, func(t string) bool { return contains(t, w) }) }) &&
		one(r.Referrer, func(h string) bool { return hostIs(plainHost(host), h) }) &&
		one(r.Event, func(e string) bool { return e == string(p.Event) }) &&
		one(r.Item, func(want string) bool {
			return slices.ContainsFunc(items[:min(len(items), maxItems+1)], func(id string) bool {
				prefix, star := strings.CutSuffix(want, "*")
				return id == want || star && strings.HasPrefix(id, prefix)
			})
		}) &&
		one(r.ValueAtLeast, func(want string) bool { return valueIs(string(p.Value), string(p.Currency), want) }) &&
		one(r.Device, func(d string) bool { return d == p.Device.String() }) &&
		one(r.Hours, func(want string) bool {
			return inSpan(want, at.Hour(), 24, func(s string) int { h, _ := strconv.Atoi(s); return h })
		}) &&
		one(r.Weekdays, func(want string) bool {
			return inSpan(want, int(at.Weekday()), 7, func(s string) int { return slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, s) })
		})
}

func pairs(query []byte) (list [][2]string) {
	text := string(query[:min(len(query), maxText)])
	for i, pair := range strings.Split(text, "&") {
		if i < maxParameters {
			key, value, _ := strings.Cut(pair, "=")
			list = append(list, [2]string{unescape(key, true), unescape(value, true)})
		}
	}
	return list
}

// unescape undoes what is encoded properly, each piece on its own.
func unescape(text string, plus bool) string {
	if plus {
		text = strings.ReplaceAll(text, "+", " ")
	}
	var out strings.Builder
	for text != "" {
		if text[0] == '%' && len(text) >= 3 {
			if one, err := url.PathUnescape(text[:3]); err == nil {
				out.WriteString(one)
				text = text[3:]
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return out.String()
}

func plainHost(host []byte) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, latin(host))
	if strings.HasPrefix(name, "[") {
		name, _, _ = strings.Cut(name[1:], "]")
	} else if strings.Count(name, ":") == 1 {
		name, _, _ = strings.Cut(name, ":")
	}
	if name = strings.TrimSuffix(name, "."); len(name) > maxHost {
		return ""
	}
	return name
}

// latin keeps bytes that are no UTF-8 from being mended.
func latin(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	return strings.ToValidUTF8(string(text), "\x00\x00")
}

func hostIs(host, pattern string) bool {
	if domain, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, domain)
	}
	return host == pattern
}

func pathIs(path, pattern string) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	have, want := strings.Split(path, "/"), strings.Split(pattern, "/")
	if want[len(want)-1] == "*" {
		want = want[:len(want)-1]
		if len(have) <= len(want) {
			return false
		}
		have = have[:len(want)]
	}
	return slices.EqualFunc(have, want, func(have, want string) bool {
		return want == "*" && have != "" || want != "*" && unescape(have, false) == unescape(want, false)
	})
}

// contains looks for words in a row.
func contains(text, phrase string) bool {
	have, want := wordsOf(text[:min(len(text), maxText)]), wordsOf(phrase)
	for i := range have {
		if i+len(want) <= len(have) && slices.Equal(have[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

func wordsOf(text string) (list []string) {
	word := ""
	end := func() {
		if word != "" {
			list = append(list, word)
		}
		word = ""
	}
	for _, r := range text {
		switch {
		case r == utf8.RuneError || !unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark):
			end()
		case unspaced(r):
			end()
			word = string(unicode.ToLower(r))
			end()
		default:
			word += string(unicode.ToLower(r))
		}
	}
	end()
	return list
}

func valueIs(value, currency, want string) bool {
	amount, in, _ := strings.Cut(want, " ")
	least, _ := strconv.ParseFloat(amount, 64)
	have, err := strconv.ParseFloat(value, 64)
	whole, decimals, _ := strings.Cut(value, ".")
	plain := strings.Trim(value, "0123456789.") == "" && len(whole) > 0 && len(whole) <= 12 && len(decimals) <= 6
	return err == nil && plain && have >= least && (in == "" || strings.ToUpper(currency) == in && len(currency) == 3)
}

func inSpan(want string, have, n int, number func(string) int) bool {
	from, to, two := strings.Cut(want, "-")
	if !two {
		return have == number(from)
	}
	for i := number(from); ; i = (i + 1) % n {
		if i == have {
			return true
		}
		if i == number(to) {
			return false
		}
	}
}
