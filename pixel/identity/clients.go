package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

const (
	clientsInfo = "sosie/clients/1/"
	clientName  = 16 // bytes, 22 characters
)

// Clients returns a function that names the clients of one access log, given
// the log's checksum: 22 characters that say nothing of the client's address,
// the same for ever in this log and different in any other. The key comes from the
// keys, outside the data directory: addresses are so few that whoever had the
// key beside the names could try them all. The function may be called by one
// goroutine at a time; what it returns is valid until the next call.
func (k *Keys) Clients(checksum string) (func(address []byte) []byte, error) {
	key, err := k.partners.ComputePrimaryPRF([]byte(clientsInfo+checksum), sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key of access log %s: %w", checksum, err)
	}
	mac, sum, name := hmac.New(sha256.New, key), []byte(nil), []byte(nil)
	return func(address []byte) []byte {
		mac.Reset()
		mac.Write(address)
		sum = mac.Sum(sum[:0])
		name = base64.RawURLEncoding.AppendEncode(name[:0], sum[:clientName])
		return name
	}, nil
}
