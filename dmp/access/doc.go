// Package access says who may do what: tokens, the grants they stand for, and the
// one table role × operation → allowed that every door asks.
//
// A token is shown once, when it is made; the store keeps its SHA-256 and the
// grant. So a stolen dump opens no door.
//
// The invariant: an operation or a role that the table does not know is refused,
// and a revoked token is refused from the moment Revoke returns.
//
// The gotcha: a grant without sites is one for the whole house. Scope (which sites,
// which folder) is the door's to apply: the table only says that a role may do such
// a thing at all.
package access
