// Package partner is the door for machines: the servers of sites and partners,
// with a token each. GET /v1/segments says in which published segments users are;
// POST /v1/events brings in what happened elsewhere: in an app, at a till, in a
// letter.
//
// There are only a few types: [House] is what the door needs of the rooms around
// it, [Door] answers, and [Receipt] says what became of a batch of events.
//
// # Invariant
//
// A token never reaches beyond its grant. A partner reads what was published to it;
// a site reads what was published to the site, and of its own visitors, and writes
// the labels that the site may write. Whom nobody knows is answered in the same
// form, and after the same work, as somebody who is in no segment.
//
// A batch of events is answered with 200 only when all of it that was accepted is
// durable. Sending it again with the same Idempotency-Key brings the same receipt
// within [ReceiptLife], also after a restart; sending it again later, or after a
// crash between the two, changes no answer, since labels on days are sets.
//
// # On disk
//
// Receipts lie in the directory receipts of the data directory, one file an hour
// of UTC, a line of JSON each, synced before the batch is answered. They hold the
// id of the token, hashes of keys and bodies, counts and line numbers, and nothing
// of a user:
//
//	receipts/2026-11-24T13.ndjson
//	{"grant":"<id>","key":"<32 hex>","body":"<32 hex>","at":"2026-11-24T13:05:06Z","receipt":{…}}
//
// # Gotcha
//
// Memberships are at most a minute old and say what they are true of; opt-outs and
// erasures count at once. An event shows in them with the next evaluation.
package partner
