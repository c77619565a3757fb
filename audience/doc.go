// Package audience is the segment language: it parses an expression over
// labels, binds it to a view of the store, and answers which users it means.
//
// Parse gives an Expr, which prints back to canonical text. Compile gives a
// Set: one chunk of users after the other as dense words, and the Stamp the
// answer is true of. A Set is the one currency between rooms; Permitted narrows
// it to the users an operation may touch, Count and Each walk it on all cores.
//
// Precedence, strongest first: windows, then, not, and, or. The language's words may
// be written in any case; a label that equals one of them stands in quotes.
//
// Invariant: every set is a subset of the population, the users with a "seen"
// day in force, because the store writes "seen" beside every other label. This
// is what lets "a and not b" be a plain difference of two bitmaps.
//
// Gotcha: a Set from Compile is the formula alone and still contains erased,
// opted-out and robot users. Wrap it with Permitted before anything leaves.
package audience
