package rules

import (
	"fmt"
	"strings"
)

// threshold is the least value of an event.
type threshold struct {
	micros   int64
	currency string // upper case; empty for any
	number   uint32
}

// parseThreshold reads 49.90, or 49.90 EUR.
func parseThreshold(text string) (t threshold, err error) {
	amount, currency, two := strings.Cut(text, " ")
	micros, ok := parseDecimal([]byte(amount))
	if !ok || two && !isCurrency(currency) {
		return t, fmt.Errorf("value_at_least %q: want a value such as 49.90, or one in a currency such as 49.90 EUR", text)
	}
	return threshold{micros: micros, currency: currency}, nil
}

func isCurrency(text string) bool {
	return len(text) == 3 && !strings.ContainsFunc(text, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// parseDecimal reads a decimal number in millionths, exactly: at most twelve
// digits, and six behind the point.
func parseDecimal(text []byte) (micros int64, ok bool) {
	digits, decimals, point := 0, 0, false
	for _, c := range text {
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c < '0' || c > '9':
			return 0, false
		case point:
			decimals++
		default:
			digits++
		}
		micros = micros*10 + int64(c-'0')
		if digits > 12 || decimals > 6 {
			return 0, false
		}
	}
	if digits == 0 {
		return 0, false
	}
	for ; decimals < 6; decimals++ {
		micros *= 10
	}
	return micros, true
}
