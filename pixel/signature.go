package pixel

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strconv"
	"sync"
	"time"

	"sosie/storage"
)

// signatureLife is how long after its signing a signed label may arrive.
const signatureLife = time.Hour

// signatureAhead is how far a signing may lie in the future, for clocks that differ.
const signatureAhead = 30 * time.Second

// maxSignatures is how many used signatures are remembered of a site, 40 bytes each.
// Only its own server makes any; beyond that many in an hour none is taken.
const maxSignatures = 1 << 18

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
	if slices.Contains(r.signatures, mac) { // another label of the same line
		return none
	}
	unix, err := strconv.ParseInt(string(r.query.signed), 10, 64)
	if err != nil {
		return signatureForged
	}
	at := time.Unix(unix, 0)
	// What was used before a restart is forgotten, so what was signed before it is
	// not taken either.
	if now.Sub(at) > signatureLife || at.Sub(now) > signatureAhead || at.Before(p.since.Add(signatureAhead)) {
		return signatureExpired
	}
	if !p.signatures.use(s.label, mac, now) {
		return signatureReplayed
	}
	r.signatures = append(r.signatures, mac)
	return none
}

// signatures remembers which were used, for as long as they are good: in two
// halves, of which the older is forgotten when both are full of time.
type signatures struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]storage.Label // the site that each is of
	used       map[storage.Label]int               // how many are young, by site
	since      time.Time                           // of young
}

// use reports whether a signature of a site is used for the first time.
func (u *signatures) use(site storage.Label, mac [sha256.Size]byte, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.young == nil || now.Sub(u.since) > signatureLife+signatureAhead {
		u.old, u.young, u.since = u.young, map[[sha256.Size]byte]storage.Label{}, now
		u.used = map[storage.Label]int{}
	}
	_, inYoung := u.young[mac]
	_, inOld := u.old[mac]
	if inYoung || inOld || u.used[site] >= maxSignatures {
		return false
	}
	u.young[mac] = site
	u.used[site]++
	return true
}

// forget lets signatures be used again, since what they were used for was not stored.
func (u *signatures) forget(macs [][sha256.Size]byte) {
	if len(macs) == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, mac := range macs {
		if site, ok := u.young[mac]; ok {
			u.used[site]--
		}
		delete(u.young, mac)
		delete(u.old, mac)
	}
}
