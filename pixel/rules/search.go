package rules

import (
	"fmt"
	"strings"
)

// The limits of Options.SearchParameters.
const (
	maxSearchParameters = 16
	maxParameter        = 64 // bytes
)

func checkSearchParameters(names []string) error {
	if len(names) > maxSearchParameters {
		return fmt.Errorf("search_parameters: %d of them: want at most %d", len(names), maxSearchParameters)
	}
	for _, n := range names {
		if err := checkParameter(n); err != nil {
			return fmt.Errorf("search_parameters: %w", err)
		}
	}
	return nil
}

func checkParameter(name string) error {
	if name == "" || len(name) > maxParameter || strings.ContainsAny(name, "&=#%+") {
		return fmt.Errorf("parameter %q: want its name as it reads decoded, 1 to %d bytes without &, =, #, %% and +", name, maxParameter)
	}
	return nil
}

// defaultSearchParameters hold the words of a site's own search where the site
// does not say.
var defaultSearchParameters = []string{"q", "s", "query"}
