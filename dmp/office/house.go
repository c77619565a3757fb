package office

import (
	"context"

	"sosie/audience/export"
	"sosie/dmp"
	"sosie/storage"
)

// House is what the back office asks; *dmp.DMP is one.
type House interface {
	dmp.Questions
	dmp.Shelf
	dmp.Tokens
	// Count counts the users an expression means.
	Count(ctx context.Context, expression string) (dmp.Count, error)
	// AffinityAmong compares an expression with every label, within the users of
	// another; an empty one is everybody.
	AffinityAmong(ctx context.Context, expression, among string) (dmp.Affinity, error)
	// Export writes names of users.
	Export(ctx context.Context, request dmp.ExportRequest, to export.Writer, progress dmp.Progress) (dmp.Export, error)
	// Dictionary is the labels that are declared.
	Dictionary() *storage.Labels
	// MayWrite and MayWriteAll say which labels a site brings.
	MayWrite(site, label string) bool
	MayWriteAll(site, prefix string) bool
	// Labels says how labels are doing, exactly.
	Labels(ctx context.Context, prefix string) (dmp.Labels, error)
	// DeleteLabel ends a label.
	DeleteLabel(ctx context.Context, name string) error
	// Status says how the house is doing.
	Status(ctx context.Context) (dmp.Status, error)
	// Ready returns nil when questions are answered.
	Ready(ctx context.Context) error
}
