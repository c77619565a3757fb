// Package quality says which labels behave oddly: gone silent, suddenly doubled.
//
// [Rhythm] remembers by what time of the day each label is usually met, [Label]
// is one line of the list of labels, [Spark] draws its month.
//
// The invariant: what is said of past days follows from the store alone. Only
// whether a label is late today needs the rhythm, which a running server learns.
//
// The gotcha: days are UTC days. A shop whose visitors sleep at midnight UTC is
// late only some time after its first hit of a usual day.
package quality
