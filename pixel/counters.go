package pixel

import "sync/atomic"

// cause is why something was counted.
type cause int

const (
	none cause = iota

	// What became of a hit: each has exactly one of these.
	stored
	pendingSet
	refusedByCookie
	refusedByGPC
	refusedByDefault
	refusedBySignal
	refusedByOrigin
	refusedBefore
	headed
	prefetched
	robotSeen
	agentUnchecked
	claimLimited
	withBody
	queryTooLong
	siteUnknown
	storeFull
	storeStopped
	storeFailed

	// More of a hit that was stored or refused.
	claimed
	counted
	optedOut
	resealed
	robotMarked

	// Cookies that count as none, and why.
	cookieForged
	cookieExpired
	cookieForeign
	cookieErased
	idForged

	// Parts of queries that were left out, and why.
	partMalformed
	labelMalformed
	labelUnknown
	labelForbidden
	labelSigned
	signatureForged
	signatureExpired
	signatureReplayed
	labelQuarantined
	labelLimited
	labelExcess
	lineForeign
	lineExcess

	// Hits of pages that are not the site's own, or of nobody knows where.
	originForeign
	originUnknown

	// Requests for /v1/me.
	meAnswered
	meRefused

	tagServed

	// What never became a hit.
	notFound
	requestBad
	connectionRefused

	causes
)

// counters count by cause since the process started.
type counters [causes]atomic.Uint64

func (c *counters) add(why cause, n int) { c[why].Add(uint64(n)) }

// Counters say what became of everything since the process started.
type Counters struct {
	// Hits is the sum of what follows up to StoreFailed: each hit counts once.
	Hits uint64 `json:"hits"`
	// Stored hits are durable, of users.
	Stored uint64 `json:"stored"`
	// Pending hits were answered with a pending cookie and not stored.
	Pending uint64 `json:"pending"`
	// RefusedByCookie hits carried the opt-out cookie, RefusedByGPC hits
	// Sec-GPC: 1, RefusedByDefault hits no signal at a site that then refuses.
	RefusedByCookie  uint64 `json:"refused_by_cookie"`
	RefusedByGPC     uint64 `json:"refused_by_gpc"`
	RefusedByDefault uint64 `json:"refused_by_default"`
	// RefusedBySignal hits carried a consent string, which cannot be read yet and so
	// counts as a refusal.
	RefusedBySignal uint64 `json:"refused_by_signal"`
	// RefusedByOrigin hits came from pages that are not of their site, which is
	// strict.
	RefusedByOrigin uint64 `json:"refused_by_origin"`
	// RefusedBefore hits are of users who opted out earlier.
	RefusedBefore uint64 `json:"refused_before"`
	// Head, Prefetch and Robot hits are no visits.
	Head     uint64 `json:"head"`
	Prefetch uint64 `json:"prefetch"`
	Robot    uint64 `json:"robot"`
	// AgentUnchecked hits brought agents never met, too many of them to check.
	AgentUnchecked uint64 `json:"agent_unchecked"`
	// ClaimLimited hits would have made a user beyond the limit of an address.
	ClaimLimited uint64 `json:"claim_limited"`
	// Body hits came with a body, TooLong hits with a query beyond the limit.
	Body    uint64 `json:"body"`
	TooLong uint64 `json:"too_long"`
	// UnknownSite hits were answered 403.
	UnknownSite uint64 `json:"unknown_site"`
	// StoreFull, StoreStopped and StoreFailed hits were answered 503.
	StoreFull    uint64 `json:"store_full"`
	StoreStopped uint64 `json:"store_stopped"`
	StoreFailed  uint64 `json:"store_failed"`

	// Claimed stored hits turned a pending cookie into a user; parallel returns
	// of one cookie, which become one user, each count. Counted ones made a user
	// at the first hit.
	Claimed uint64 `json:"claimed"`
	Counted uint64 `json:"counted"`
	// OptedOut users were recorded as such.
	OptedOut uint64 `json:"opted_out"`
	// Resealed cookies were sent again under the present key or epoch.
	Resealed uint64 `json:"resealed"`
	// RobotsMarked users made more hits a day than a person does.
	RobotsMarked uint64 `json:"robots_marked"`

	// Cookies that counted as none: nobody sealed them, their life is over,
	// they are of a store that was lost, or their user was erased.
	CookieForged  uint64 `json:"cookie_forged"`
	CookieExpired uint64 `json:"cookie_expired"`
	CookieForeign uint64 `json:"cookie_foreign"`
	CookieErased  uint64 `json:"cookie_erased"`

	// IDForged ids of a site's own counted as none: their signature is not the site's.
	IDForged uint64 `json:"id_forged"`

	// Malformed parts of queries were left out.
	Malformed uint64 `json:"malformed"`
	// Labels that were left out: no valid name, not declared, not one the site
	// may write, one that needs a signature, one whose signature is forged, too old
	// or was used before, one in quarantine, one beyond a limit of new labels, one
	// beyond the limit of a hit.
	LabelMalformed    uint64 `json:"label_malformed"`
	LabelUnknown      uint64 `json:"label_unknown"`
	LabelForbidden    uint64 `json:"label_forbidden"`
	LabelSigned       uint64 `json:"label_signed"`
	SignatureForged   uint64 `json:"signature_forged"`
	SignatureExpired  uint64 `json:"signature_expired"`
	SignatureReplayed uint64 `json:"signature_replayed"`
	LabelQuarantined  uint64 `json:"label_quarantined"`
	LabelLimited      uint64 `json:"label_limited"`
	LabelExcess       uint64 `json:"label_excess"`
	// Lines of beacons that were left out: of another site than the first, or beyond
	// the most that a beacon may have.
	LineForeign uint64 `json:"line_foreign"`
	LineExcess  uint64 `json:"line_excess"`

	// Hits that were recorded although they came from pages that are not of their
	// site, or of nobody knows where.
	OriginForeign uint64 `json:"origin_foreign"`
	OriginUnknown uint64 `json:"origin_unknown"`

	// MeAnswered requests asked what a site may know of its visitor, MeRefused ones
	// came from elsewhere.
	MeAnswered uint64 `json:"me_answered"`
	MeRefused  uint64 `json:"me_refused"`
	// TagServed requests got the tag, or heard that they have it.
	TagServed uint64 `json:"tag_served"`

	// NotFound requests were for other paths, BadRequest ones could not be
	// read, took too long, or were of a method that their path has not.
	NotFound   uint64 `json:"not_found"`
	BadRequest uint64 `json:"bad_request"`
	// ConnectionsRefused were beyond the limit of an address.
	ConnectionsRefused uint64 `json:"connections_refused"`
}

// Counters returns the counts up to now. Hits in flight may show in some
// fields and not yet in others.
func (p *Pixel) Counters() Counters {
	n := func(c cause) uint64 { return p.counters[c].Load() }
	out := Counters{
		Stored: n(stored), Pending: n(pendingSet),
		RefusedByCookie: n(refusedByCookie), RefusedByGPC: n(refusedByGPC),
		RefusedByDefault: n(refusedByDefault), RefusedBySignal: n(refusedBySignal), RefusedByOrigin: n(refusedByOrigin),
		RefusedBefore: n(refusedBefore),
		Head:          n(headed), Prefetch: n(prefetched), Robot: n(robotSeen), AgentUnchecked: n(agentUnchecked),
		ClaimLimited: n(claimLimited), Body: n(withBody), TooLong: n(queryTooLong), UnknownSite: n(siteUnknown),
		StoreFull: n(storeFull), StoreStopped: n(storeStopped), StoreFailed: n(storeFailed),
		Claimed: n(claimed), Counted: n(counted), OptedOut: n(optedOut), Resealed: n(resealed), RobotsMarked: n(robotMarked),
		CookieForged: n(cookieForged), CookieExpired: n(cookieExpired),
		CookieForeign: n(cookieForeign), CookieErased: n(cookieErased), IDForged: n(idForged),
		Malformed: n(partMalformed), LabelMalformed: n(labelMalformed), LabelUnknown: n(labelUnknown),
		LabelForbidden: n(labelForbidden), LabelSigned: n(labelSigned), LabelExcess: n(labelExcess),
		SignatureForged: n(signatureForged), SignatureExpired: n(signatureExpired), SignatureReplayed: n(signatureReplayed),
		LabelQuarantined: n(labelQuarantined), LabelLimited: n(labelLimited),
		LineForeign: n(lineForeign), LineExcess: n(lineExcess), OriginForeign: n(originForeign), OriginUnknown: n(originUnknown),
		MeAnswered: n(meAnswered), MeRefused: n(meRefused), TagServed: n(tagServed),
		NotFound: n(notFound), BadRequest: n(requestBad), ConnectionsRefused: n(connectionRefused),
	}
	for c := stored; c <= storeFailed; c++ {
		out.Hits += n(c)
	}
	return out
}
