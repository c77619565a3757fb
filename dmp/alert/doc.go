// Package alert tells a webhook what needs an operator, and what no longer does.
//
// There are only a few types: [Alert] is one thing that is wrong, [Bell]
// remembers what was told, [Webhook] carries a [Message]. What is wrong is for
// the house above to find.
//
// The invariant: an alert is told once when it begins and once when it ends,
// however often it is found; what could not be delivered is told at the next
// [Bell.Ring]. A message names labels, files and figures, never a user, an
// address or a secret.
//
// The gotcha: the address of a webhook is often its password. No error and no
// log line of this package holds more of it than the host.
package alert
