// Package members knows who is in the published segments: a bitmap for each
// segment and chunk, evaluated again every half minute, so that sites and partners
// can be told of one user within a microsecond.
//
// There are only a few types: [Members] holds the newest evaluation and makes the
// next; a destination, site/<key> or partner/<name>, is told of a user by
// [Members.Of].
//
// # Invariant
//
// An answer is at most [MaxAge] old, or there is none. A store's view that stops
// showing what is durable does not make answers younger: they end at most MaxAge
// after the evaluation that first found it lacking. An answer never holds a user whom
// the masks of this moment leave out: an opt-out or an erasure counts as soon as
// the store's view shows it, not with the next evaluation. A destination is told
// nothing of segments that are not published to it.
//
// # Gotcha
//
// What an answer says besides the masks is true of its Stamp. While nothing
// changes, nothing is evaluated: the Stamp then moves on by itself, for the view
// of now says what the one before said.
package members
