package storage

// Ordinal names a user inside Sosie: a dense number, given out once and never
// again. Outside it appears only sealed. A chunk is the 65,536 users that share
// the upper sixteen bits.
type Ordinal uint32

// Chunk is the number of the user's chunk.
func (u Ordinal) Chunk() int { return int(u >> 16) }

// Low is the user's place within its chunk.
func (u Ordinal) Low() uint16 { return uint16(u) }

// At returns the user at a place of a chunk.
func At(chunk int, low uint16) Ordinal { return Ordinal(chunk)<<16 | Ordinal(low) }

// Mask is a set of users that restricts answers, whatever they are tagged with.
type Mask uint8

const (
	// Erased users asked to be forgotten; no answer may contain them.
	Erased Mask = iota
	// OptedOut users refused everything, everywhere (opt-out or Sec-GPC).
	OptedOut
	// Robot users behave like machines: counted, never exported.
	Robot
	// NoConsent users were brought by a source that may not count them. Nothing
	// uses them.
	NoConsent

	maskCount
)

var maskNames = [maskCount]string{"erased", "opted-out", "robot", "no-consent"}

// String returns the mask's name.
func (m Mask) String() string {
	if m < maskCount {
		return maskNames[m]
	}
	return "unknown mask"
}

// MaskNamed returns the mask with a name.
func MaskNamed(name string) (Mask, bool) {
	for m, n := range maskNames {
		if n == name {
			return Mask(m), true
		}
	}
	return 0, false
}
