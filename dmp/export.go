package dmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sosie/audience/export"
	"sosie/audience/permit"
	"sosie/dmp/intake"
	"sosie/pixel/identity"
	"sosie/storage"
)

// filePartner is the partner whose pseudonyms name users in files, unless an id
// space is asked for.
const filePartner = "file"

// Export writes one name of each user an expression means and who may be
// exported.
func (d *DMP) Export(ctx context.Context, request ExportRequest, to export.Writer, progress Progress) (Export, error) {
	namer, err := d.namer(request.IDSpace)
	if err != nil {
		return Export{}, err
	}
	a, err := d.bind(request.Expression, permit.Export)
	if err != nil {
		return Export{}, err
	}
	r, err := export.Export(ctx, a.set, namer, to, progress)
	if err != nil {
		return Export{}, &Error{Op: "export", Object: a.text, Err: err, Hint: hintOf(err)}
	}
	return Export{Users: r.Users, Names: r.Names, Nameless: r.Nameless, Expression: a.text, Stamp: r.Stamp, Warnings: a.warnings}, nil
}

func (d *DMP) namer(space string) (export.Namer, error) {
	if space == "" {
		names, err := d.keys.Partner(filePartner)
		if err != nil {
			return nil, &Error{Op: "export", Object: "pseudonyms", Err: err}
		}
		return &pseudonymNamer{names: names}, nil
	}
	if space == intake.ClientSpace {
		return nil, &Error{Op: "export", Object: "id space " + space, Err: caused{errors.New("the clients of access logs are not exported"), ErrIDSpace},
			Hint: "Leave --id-space out to name users by pseudonyms."}
	}
	number, ok := d.store.LookupSpace(space)
	if !ok {
		known := slices.DeleteFunc(slices.Sorted(slices.Values(d.store.Spaces())), func(name string) bool { return name == intake.ClientSpace })
		err := &Error{Op: "export", Object: "id space " + space, Err: caused{fmt.Errorf("it was never declared"), ErrIDSpace},
			Hint: "No id space has been declared: leave --id-space out to name users by pseudonyms."}
		if len(known) > 0 {
			err.Hint = "Declared are: " + strings.Join(known, ", ") + "."
		}
		return nil, err
	}
	return &idNamer{ids: d.store.IDs(), space: number, page: -1}, nil
}

// pseudonymNamer names every user by the pseudonym of one partner.
type pseudonymNamer struct {
	names *identity.Pseudonyms
	name  []byte
}

// Name calls fn once.
func (n *pseudonymNamer) Name(u storage.Ordinal, fn func(name []byte) error) error {
	n.name = n.names.Name(n.name[:0], u)
	return fn(n.name)
}

// idNamer names users by their ids in one space. It holds the page it read
// last, for users come in order.
type idNamer struct {
	ids   *storage.IDs
	space storage.Space
	page  int64
	of    map[storage.Ordinal][][]byte
}

// Name calls fn with each id of the user, perhaps none.
func (n *idNamer) Name(u storage.Ordinal, fn func(name []byte) error) error {
	if page := int64(u >> 8); page != n.page {
		n.of = map[storage.Ordinal][][]byte{}
		err := n.ids.Page(n.space, uint32(page), func(u storage.Ordinal, external []byte) error {
			n.of[u] = append(n.of[u], slices.Clone(external))
			return nil
		})
		if err != nil {
			return err
		}
		n.page = page
	}
	for _, name := range n.of[u] {
		if err := fn(name); err != nil {
			return err
		}
	}
	return nil
}
