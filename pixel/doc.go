// Package pixel answers browsers: GET /p.gif?s=<site>&l=<label,label...> tags
// the user of a cookie with labels of the day.
//
// There are only a few types: [Pixel] is the whole, [Hit] and [Reply] are one
// request and its answer whatever server carries them, [Config] says which
// sites may write what, [Limits] what strangers may cost, [Counters] what
// became of the hits.
//
// # Invariant
//
// A page that embeds the pixel gets its GIF unless the site is unknown or the
// hit could not be made durable. What [Pixel.Answer] counts as stored is
// durable when it returns. Nothing a stranger can send makes a label, a site, a
// user (beyond the rate of claims) or a table grow.
//
// # One hit
//
// [Pixel.Answer] reads like the rules: the site, hits that are answered and not
// recorded (HEAD, prefetch, robots), the labels, the cookie, the gate, and then
// one append for a user, a claim for a pending cookie that came back, or a
// pending cookie for a browser never seen. A user with more hits a day than a
// person makes is marked as a robot by the same append.
//
//	browser          first hit              second hit              later hits
//	cookie sent      none                   pending                 user
//	stored           nothing                claim, both hits        the hit
//	cookie set       pending (23 hours)     user (396 days)         none, unless its key is old
//
// # Cookies
//
// sosie is ours, sealed by [sosie/pixel/identity]. sosie_optout=1 refuses
// everything, everywhere. When browsers come over TLS, directly, by
// X-Forwarded-Proto of a trusted proxy or by Config.PublicURL, the cookie is
// "SameSite=None; Secure" and works inside other sites' pages; over plain HTTP
// it is "SameSite=Lax", for tests on one's own machine.
//
// # Gotcha
//
// The fields of a Hit belong to the server that read them and are valid only
// during Answer. Addresses and agents are compared and forgotten: they reach
// neither store nor log, and tables keep hashes under a seed that dies with the
// process. What is kept of an address is the country and the region of its
// network, as labels of a user, where Pixel.SetPlaces was called.
//
// # Measuring
//
// The ladder parse, sealed, batched, durable is climbed with Recorders of
// different depth behind the same Handler: hits without a cookie to a site
// without consent only parse; a Recorder whose Append returns at once stops at
// sealed; one that hands records to a batch without a disk stops at batched;
// *storage.Store is durable.
package pixel
