package population

import "fmt"

// Topics is the number of prefixes that the labels are spread over.
const Topics = 20

// Name is the name of the label of a rank: `interest/t03/0043`. Labels of one
// topic share the prefix `interest/t03/` and are spread over all frequencies.
func Name(label int) string { return fmt.Sprintf("%s%04d", Prefix(label%Topics), label) }

// Prefix is the prefix that the labels of a topic share.
func Prefix(topic int) string { return fmt.Sprintf("interest/t%02d/", topic) }

// Names returns the names of the labels in order of rank.
func (p *Population) Names() []string {
	names := make([]string, p.spec.Labels)
	for i := range names {
		names[i] = Name(i)
	}
	return names
}
