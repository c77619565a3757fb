package demo

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"

	"sosie/storage"
)

// History writes what the members did in the past weeks as a CSV file to import
// under Space, and returns how many rows it has. A look at the club's notices, which
// is worth no label, is no row.
func (p *Population) History(w io.Writer) (rows int, err error) {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "user,label,time")
	for i := range p.visitors {
		v := &p.visitors[i]
		for _, ago := range slices.Backward(slices.Sorted(maps.Keys(v.past))) {
			day := (p.today - storage.Day(ago)).Time().Format("2006-01-02")
			for _, page := range v.past[ago] {
				for _, label := range page.labels {
					fmt.Fprintf(b, "%s,%s,%s\n", v.id, label, day)
					rows++
				}
			}
		}
	}
	return rows, b.Flush() // which tells of the first write that failed
}
