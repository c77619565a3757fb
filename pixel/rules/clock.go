package rules

import (
	"fmt"
	"time"
	_ "time/tzdata" // a zone means the same on a machine that has no database of zones
)

// ParseZone finds a zone by its name in the IANA database; none is UTC. The
// machine's own zone, Local, is refused: the same rules would mean something
// else on another machine.
func ParseZone(name string) (*time.Location, error) {
	if name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("zone %q: want a name of the IANA database, such as Europe/Paris", name)
}
