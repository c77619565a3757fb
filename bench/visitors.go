package bench

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync"

	"sosie/bench/population"
	"sosie/pixel"
	"sosie/pixel/identity"
	"sosie/storage"
)

// visitors is the traffic of the pixel benchmarks: returning users chosen
// uniformly, and now and then a new browser that is given a pending cookie and
// comes back with it.
type visitors struct {
	people  *population.Population
	random  *rand.Rand
	names   [][]byte
	agents  [][]byte
	cookies []byte // of all users, one after the other
	each    int    // bytes of one cookie
	users   uint32
	newIn   uint32 // one hit in so many is of a new browser; 0 means none
	pages   bool   // whether hits name the page they are of
	mark    string // label that every hit carries, empty for none

	conns   []visitor
	members []uint64 // users whose hit was acknowledged
	pending int64    // hits answered with a pending cookie
	claimed int64    // hits that brought one back
}

// visitor is who was last seen on a connection.
type visitor struct {
	user    uint32
	kind    visitorKind
	pending []byte // cookie to come back with
}

type visitorKind uint8

const (
	returning visitorKind = iota
	newcomer
	cameBack
)

// newVisitors seals the cookies of the users below the given number.
func newVisitors(people *population.Population, keys *identity.Keys, epoch uint16, users uint32, born storage.Day, connections int, seed uint64) *visitors {
	v := &visitors{
		people: people, random: rand.New(rand.NewPCG(seed, 0x50513)), users: users,
		conns: make([]visitor, connections), members: make([]uint64, (users+63)/64), agents: browsers(),
	}
	for _, name := range people.Names() {
		v.names = append(v.names, []byte(name))
	}
	v.each = len(keys.SealUser(identity.UserCookie{Epoch: epoch, Born: born}))
	v.cookies = make([]byte, v.each*int(users))
	workers := runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for u := w; u < int(users); u += workers {
				copy(v.cookies[u*v.each:], keys.SealUser(identity.UserCookie{Ordinal: storage.Ordinal(u), Epoch: epoch, Born: born}))
			}
		})
	}
	wait.Wait()
	return v
}

// browsers are agents such as a site meets, more than one so that no cache of a
// single one flatters the server.
func browsers() [][]byte {
	var agents [][]byte
	for version := 120; version < 152; version++ {
		agents = append(agents,
			fmt.Appendf(nil, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", version),
			fmt.Appendf(nil, "Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", version, version),
			fmt.Appendf(nil, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.%d Mobile/15E148 Safari/604.1", version%8, version%8))
	}
	return agents
}

// Request is the next hit of a connection.
func (v *visitors) Request(connection int, dst []byte) []byte {
	c := &v.conns[connection]
	switch {
	case len(c.pending) > 0:
		c.kind = cameBack
	case v.newIn > 0 && v.random.Uint32N(v.newIn) == 0:
		c.kind = newcomer
	default:
		c.kind, c.user = returning, v.random.Uint32N(v.users)
	}
	dst = append(dst, "GET /p.gif?s="+siteKey+"&l="...)
	if v.mark != "" {
		dst = append(append(dst, v.mark...), ',')
	}
	dst = append(dst, v.names[v.people.Label(v.random.Uint64())]...)
	dst = append(dst, ',')
	dst = append(dst, v.names[v.people.Label(v.random.Uint64())]...)
	if v.pages {
		dst = appendPage(dst, v.random)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: pixel.example\r\nUser-Agent: "...)
	dst = append(dst, v.agents[v.random.Uint32N(uint32(len(v.agents)))]...)
	dst = append(dst, "\r\nAccept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5\r\n"+
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://shop.example/\r\n"...)
	switch c.kind {
	case returning:
		dst = append(dst, "Cookie: "+pixel.CookieName+"="...)
		dst = append(dst, v.cookies[int(c.user)*v.each:][:v.each]...)
		dst = append(dst, "\r\n"...)
	case cameBack:
		dst = append(append(append(dst, "Cookie: "...), c.pending...), "\r\n"...)
	case newcomer:
	}
	return append(dst, "\r\n"...)
}

// Answered learns what became of the connection's hit.
func (v *visitors) Answered(connection, status int, cookie []byte) {
	c := &v.conns[connection]
	c.pending = c.pending[:0]
	if status != 200 {
		return
	}
	switch c.kind {
	case returning:
		v.members[c.user>>6] |= 1 << (c.user & 63)
	case newcomer:
		c.pending = append(c.pending, cookie...) // none from a server that gives none
		v.pending++
	case cameBack:
		v.claimed++
	}
}

// acknowledged is the number of users of the population whose hits were
// answered.
func (v *visitors) acknowledged() (n uint64) {
	for _, w := range v.members {
		n += uint64(bits.OnesCount64(w))
	}
	return n
}
