// Package segments keeps the saved segments: named expressions, each a formula
// and never a stored result, with who made them and how large they were.
//
// Invariant: what is kept can always be asked. An expression is bound before it
// is saved, so that no kept segment names an unknown label, a missing segment,
// or itself; a segment that others use cannot be deleted, and renaming one
// renames it in them, all at once. Only labels may be deleted underneath. A
// published one, which sites and partners know by its name, keeps the name until
// it is unpublished everywhere.
//
// They lie in the store's documents, and so in the log, in dumps, and in every
// view:
//
//	kind "segment"        JSON of Segment, by name
//	kind "segment-sizes"  JSON list of Size, ascending by day, by name
package segments
