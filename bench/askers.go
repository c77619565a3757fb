package bench

import (
	"math/rand/v2"

	"sosie/dmp/partner"
	"sosie/pixel/identity"
	"sosie/storage"
)

// askers are the traffic of a partner: each request asks for one user, chosen
// uniformly, in turns by the partner's pseudonym and by an id.
type askers struct {
	token  string
	names  []byte // pseudonyms of all users, one after the other
	each   int    // bytes of one
	users  uint32
	random *rand.Rand
	sent   int
}

func newAskers(token string, names *identity.Pseudonyms, users uint32, seed uint64) *askers {
	a := &askers{token: token, users: users, random: rand.New(rand.NewPCG(seed, 0xa5c))}
	for u := range storage.Ordinal(users) {
		a.names = names.Name(a.names, u)
	}
	a.each = len(a.names) / int(users)
	return a
}

// Request is the next question of a connection.
func (a *askers) Request(_ int, dst []byte) []byte {
	u := a.random.Uint32N(a.users)
	dst = append(dst, "GET "+partner.SegmentsPath+"?user="...)
	if a.sent++; a.sent%2 == 0 {
		dst = append(dst, a.names[int(u)*a.each:][:a.each]...)
	} else {
		dst = appendExternal(append(dst, partnerSpace+":"...), u)
	}
	dst = append(append(dst, " HTTP/1.1\r\nHost: partner.example\r\nAuthorization: Bearer "...), a.token...)
	return append(dst, "\r\nUser-Agent: bidder/1\r\nAccept: application/json\r\n\r\n"...)
}

// Answered needs to know nothing.
func (a *askers) Answered(int, int, []byte) {}
