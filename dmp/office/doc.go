// Package office is the back office: what a buyer and an administrator ask over
// HTTP and JSON, described by OpenAPI, with a token. It holds no logic of its own
// about users and segments: it asks the house, and decides what of the answer the
// bearer may know.
//
// The invariants: no operation runs before the table of package access has allowed
// it; a number under access.MinUsers, or one from which such a number follows
// within the same answer, never leaves for a buyer; and a grant with sites is
// asked about users of these sites only, in words that these sites bring.
//
// The gotcha: answers are protected one by one. Two counts of expressions that
// differ by one user still differ by one, and so do a set and the sum of its parts in
// an overlap, which tells the size of each set as a count does; the rate of a token
// and its name are what there is against that.
package office
