package rules

import (
	"fmt"
	"strings"
)

// ValidEvent reports whether name matches [a-z0-9_-]{1,32}.
func ValidEvent(name string) bool {
	return len(name) > 0 && len(name) <= 32 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

func checkEvent(name string) error {
	if !ValidEvent(name) {
		return fmt.Errorf("event %q: want a name of [a-z0-9_-]{1,32}", name)
	}
	return nil
}
