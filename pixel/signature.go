package pixel

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"sync"
	"time"
)

// signatureLife is how long after its signing a signed label may arrive.
const signatureLife = time.Hour

// signatureAhead is how far a signing may lie in the future, for clocks that differ.
const signatureAhead = 5 * time.Minute

// maxSignatures is how many used signatures are remembered, 40 bytes each. Only a
// site's own server makes any; beyond that many in an hour none is taken.
const maxSignatures = 1 << 20

// Sign returns the signature that lets a page's hit write signed labels: the
// parameter g, beside x, the Unix time of signing, and l, the labels, which must be
// sent in this order and in lower case. It is the HMAC-SHA256 under the site's secret of
//
//	sosie1 LF site LF labels joined by commas LF x
//
// in hexadecimal. It is good once, for an hour.
func Sign(secret []byte, site string, labels []string, at time.Time) string {
	q := query{site: []byte(site), signed: strconv.AppendInt(nil, at.Unix(), 10)}
	for _, l := range labels {
		q.labels = append(q.labels, []byte(l))
	}
	return hex.EncodeToString(q.mac(secret))
}

func (q *query) mac(secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("sosie1\n"))
	mac.Write(q.site)
	mac.Write([]byte{'\n'})
	mac.Write(bytes.Join(q.labels, []byte{','}))
	mac.Write([]byte{'\n'})
	mac.Write(q.signed)
	return mac.Sum(nil)
}

// signed returns none where the line in r.query carries a good signature that was
// not used before, and marks it as used by this reply.
func (p *Pixel) signed(r *Reply, s *site, now time.Time) cause {
	if len(r.query.signature) == 0 || len(s.secret) == 0 {
		return labelSigned
	}
	var mac [sha256.Size]byte
	if n, err := hex.Decode(mac[:], r.query.signature[:min(len(r.query.signature), 2*len(mac))]); err != nil || n != len(mac) ||
		len(r.query.signature) != 2*len(mac) || subtle.ConstantTimeCompare(mac[:], r.query.mac(s.secret)) != 1 {
		return signatureForged
	}
	if r.signature == mac { // another label of the same line
		return none
	}
	unix, err := strconv.ParseInt(string(r.query.signed), 10, 64)
	if err != nil {
		return signatureForged
	}
	at := time.Unix(unix, 0)
	// What was used before a restart is forgotten, so what was signed before it is
	// not taken either.
	if now.Sub(at) > signatureLife || at.Sub(now) > signatureAhead || at.Before(p.since.Add(-time.Second)) {
		return signatureExpired
	}
	if !p.signatures.use(mac, now) {
		return signatureReplayed
	}
	r.signature = mac
	return none
}

// signatures remembers which were used, for as long as they are good: in two
// halves, of which the older is forgotten when both are full of time.
type signatures struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]struct{}
	since      time.Time // of young
}

// use reports whether a signature is used for the first time.
func (u *signatures) use(mac [sha256.Size]byte, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.young == nil || now.Sub(u.since) > signatureLife+signatureAhead {
		u.old, u.young, u.since = u.young, map[[sha256.Size]byte]struct{}{}, now
	}
	_, inYoung := u.young[mac]
	_, inOld := u.old[mac]
	if inYoung || inOld || len(u.young)+len(u.old) >= maxSignatures {
		return false
	}
	u.young[mac] = struct{}{}
	return true
}

// forget lets a signature be used again, since what it was used for was not stored.
func (u *signatures) forget(mac [sha256.Size]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.young, mac)
	delete(u.old, mac)
}
