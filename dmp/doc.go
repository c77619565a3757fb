// Package dmp opens the rooms of the house and wires them: the store, the keys,
// the pixel, imports, counts and exports. It is what a Go program embeds, and
// what the command line is made of.
//
// A data directory belongs to one process at a time. Whoever opens it first,
// with Open, answers for it; while Serve runs, everybody else on the machine
// asks it through a socket inside the directory, with Client. Both are an
// Engine, and Reach picks the right one.
//
// Serve opens the pixel and the socket. ServeDoors opens the doors beside them too,
// which packages above make of an open house: the back office of dmp/office, and
// the partner door.
//
// The invariant: an answer is never older than the last hit that was
// acknowledged before the question was asked.
//
// The gotcha: keys live outside the data directory, beside it. Data without its
// keys is worth little (no browser's cookie can be read any more, partners
// would see every user as a new one), so Open refuses to make new keys for a
// store that has users. Back up both.
package dmp
