package identity

import (
	"encoding/binary"
	"fmt"

	"sosie/storage"
)

const (
	pseudonymPlain = 4
	pseudonymToken = 28 // characters
	partnerInfo    = "sosie/partner/1/"
)

// Pseudonyms are the names one partner knows users by. Two partners that
// compare theirs learn nothing: each has its own key.
type Pseudonyms struct {
	sealer     sealer
	associated []byte
}

// ValidPartnerName reports whether name matches [a-z0-9][a-z0-9_-]{0,63}.
func ValidPartnerName(name string) bool {
	if len(name) == 0 || len(name) > 64 || name[0] == '_' || name[0] == '-' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Partner returns the pseudonyms of a partner. The same name gives the same
// pseudonyms for ever. The error is ErrBadPartner.
func (k *Keys) Partner(name string) (*Pseudonyms, error) {
	if !ValidPartnerName(name) {
		return nil, fmt.Errorf("derive key of partner %q: %w: want [a-z0-9][a-z0-9_-]{0,63}", name, ErrBadPartner)
	}
	derived, err := k.partners.ComputePrimaryPRF([]byte(partnerInfo+name), sivKeySize)
	if err != nil {
		return nil, fmt.Errorf("derive key of partner %q: %w", name, err)
	}
	key, err := newSIV(derived)
	if err != nil {
		return nil, fmt.Errorf("derive key of partner %q: %w", name, err)
	}
	return &Pseudonyms{
		sealer:     sealer{keys: []*siv{key}},
		associated: append([]byte{kindPseudonym, version}, name...),
	}, nil
}

// Name appends the partner's name of user u to dst: 28 characters that are safe
// in URLs, CSV and cookies. Safe for concurrent use.
func (p *Pseudonyms) Name(dst []byte, u storage.Ordinal) []byte {
	var plain [pseudonymPlain]byte
	binary.LittleEndian.PutUint32(plain[:], uint32(u))
	return p.sealer.seal(dst, plain[:], p.associated)
}

// Open returns the user of a name. The error is ErrForged, also for the name
// another partner has for a user.
func (p *Pseudonyms) Open(name []byte) (storage.Ordinal, error) {
	if len(name) != pseudonymToken {
		return 0, ErrForged
	}
	plain, _, err := p.sealer.open(name, p.associated)
	if err != nil {
		return 0, err
	}
	return storage.Ordinal(binary.LittleEndian.Uint32(plain)), nil
}
