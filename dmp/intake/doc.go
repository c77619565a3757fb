// Package intake brings events in from files, and those that servers send: who,
// which label, when.
//
// There are only a few types: [Request] is what an operator asks for, [House]
// what an import needs of the rooms around it, and [Receipt] what became of the
// file. A format is one [Reader], which turns lines into [Event]s and knows
// nothing of the store.
//
// Three goroutines hand batches on: one unpacks and reads, one turns external
// ids and names into users and labels, one appends. At most one append of
// 128 KiB is under way, so that hits share the log with little more than
// themselves; and the appends keep the order of the file, so that no crash can
// leave a user's tags without the id that names him.
//
// # Invariant
//
// Importing a file again changes no answer and makes no user, also after an
// import that ended anywhere in the middle: an id is in the same append as the
// first tag of its user, tags of days are united, and what depends on the
// moment of the first import (the days a log is moved by, the names of an
// access log's clients) is recorded under the file's checksum before its first
// row.
//
// # Gotcha
//
// An external id becomes findable when the fold has seen it, a while after it
// was appended. [Arrivals] bridges that, so everything that writes ids of a store
// must share one. Only one import may run on a store at a time.
package intake
