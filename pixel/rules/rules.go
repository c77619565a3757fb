// Package rules gives pages their labels: a rule names a page, or all pages
// under a path, and the labels of whoever looks at it.
//
// The invariant: what a rule set answers depends on the path alone. Whether the
// labels may be written is for the caller to say.
package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sosie/storage"
)

// ErrBadRule is the error of everything Compile refuses.
var ErrBadRule = errors.New("bad rule")

// Rule gives labels to the pages of a path.
type Rule struct {
	// Path is a page, /index.html, or all pages under a folder, /shuttle/*. It is
	// compared with the path as it was asked for: the query left out, nothing
	// decoded.
	Path string `yaml:"path"`
	// Labels are what a look at the page is worth.
	Labels []string `yaml:"labels"`
}

// Set is a list of rules ready for pages. The zero value has none. It never
// changes.
type Set struct {
	exact   map[string][]string
	folders []folder
}

type folder struct {
	prefix string
	labels []string
}

// Compile checks rules. The error is ErrBadRule.
func Compile(list []Rule) (Set, error) {
	s := Set{exact: map[string][]string{}}
	for i, r := range list {
		if err := r.check(); err != nil {
			return Set{}, fmt.Errorf("rule %d: %w: %w", i+1, ErrBadRule, err)
		}
		if prefix, ok := strings.CutSuffix(r.Path, "*"); ok {
			s.folders = append(s.folders, folder{prefix, r.Labels})
		} else {
			s.exact[r.Path] = append(s.exact[r.Path], r.Labels...)
		}
	}
	return s, nil
}

func (r Rule) check() error {
	path := strings.TrimSuffix(r.Path, "*")
	switch {
	case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "*?#"):
		return fmt.Errorf("path %q: want a page such as /index.html, or a folder such as /shuttle/*", r.Path)
	case path != r.Path && !strings.HasSuffix(path, "/"):
		return fmt.Errorf("path %q: the star stands after a slash", r.Path)
	case len(r.Labels) == 0:
		return fmt.Errorf("path %q: it gives no labels", r.Path)
	}
	for _, l := range r.Labels {
		if !storage.ValidLabelName(l) || storage.Reserved(l) {
			return fmt.Errorf("label %q: want [a-z0-9][a-z0-9_.:/-]{0,127}, and none that is reserved", l)
		}
	}
	return nil
}

// Labels returns the labels of a page: those of every rule that names it, the
// same one perhaps several times. The slice must not be changed.
func (s Set) Labels(path []byte) []string {
	labels := s.exact[string(path)]
	shared := true
	for _, f := range s.folders {
		if len(path) < len(f.prefix) || string(path[:len(f.prefix)]) != f.prefix {
			continue
		}
		switch {
		case len(labels) == 0:
			labels = f.labels
		case shared:
			labels, shared = append(labels[:len(labels):len(labels)], f.labels...), false
		default:
			labels = append(labels, f.labels...)
		}
	}
	return labels
}

// Granted returns every label that some rule gives, each once, in order of name.
func (s Set) Granted() []string {
	var all []string
	for _, labels := range s.exact {
		all = append(all, labels...)
	}
	for _, f := range s.folders {
		all = append(all, f.labels...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
