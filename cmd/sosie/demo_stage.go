package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"sosie/audience/export"
	"sosie/dmp"
	visitors "sosie/dmp/demo"
	"sosie/dmp/intake"
)

// demoSegment is what the demo exports.
const demoSegment = "interest/tennis"

// stage is where the demo is played, and by whom.
type stage struct {
	house         *dmp.DMP
	config        dmp.Config
	file          string // the configuration
	pixel, secret string
	at            dmp.Addresses // of all doors
	crowd         *visitors.Population
}

// remember imports what the members of the club did in the past weeks.
func (s *stage) remember(c *console) error {
	path := s.config.Data + ".history.csv"
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := s.crowd.History(file)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	receipt, err := s.house.Import(c, dmp.ImportRequest{File: filepath.Base(path), Format: intake.CSV, IDSpace: visitors.Space, Source: "club",
		DeclaredOnly: true, MaxErrors: dmp.DefaultMaxErrors}, file, nil)
	if err != nil {
		return err
	}
	if receipt.Stored != uint64(rows) {
		return &dmp.Error{Op: "import", Object: path, Err: fmt.Errorf("%d rows came in, of %d", receipt.Stored, rows)}
	}
	members, today := s.crowd.Members()
	return c.printf("the past %d weeks: imported from %s, %s rows of the club's %s members, of whom %s come today\n",
		visitors.Weeks, path, humanize.Comma(int64(rows)), humanize.Comma(int64(members)), humanize.Comma(int64(today)))
}

// browse lets everybody browse.
func (s *stage) browse(c *console) error {
	begin := time.Now()
	bar := newBar(c.err, "visitors", 1)
	hits, err := s.crowd.Browse(c, visitors.Options{Pixel: s.pixel, Secret: s.secret,
		Progress: func(done, total int) { bar.chunks(done, total, uint64(done)) }})
	bar.end()
	if err != nil {
		return err
	}
	return c.printf("today: %s hits of %s visitors of five sites, to %s in %s, those of users durable before they were answered\n",
		humanize.Comma(int64(hits)), humanize.Comma(int64(s.crowd.Len())), s.pixel, time.Since(begin).Round(time.Millisecond))
}

// check counts and exports, and returns how many answers are not what the visitors
// know.
func (s *stage) check(c *console) (wrong int, err error) {
	if err := c.printf("\n%10s %10s\n", "counted", "expected"); err != nil {
		return 0, err
	}
	for _, e := range s.crowd.Expectations() {
		n, err := s.house.Count(c, e.Expression)
		if err != nil {
			return 0, err
		}
		verdict := ""
		if n.Count != e.Count {
			wrong++
			verdict = "   WRONG"
		}
		if err := c.printf("%10s %10s   %s%s\n", humanize.Comma(int64(n.Count)), humanize.Comma(int64(e.Count)), e.Expression, verdict); err != nil {
			return 0, err
		}
	}
	out := s.config.Data + ".tennis.csv"
	result, err := exportTo(c, s.house, demoSegment, out)
	if err != nil {
		return 0, err
	}
	if result.Names != s.crowd.Exportable(demoSegment) {
		wrong++
	}
	return wrong, c.printf("\nexported %s users to %s\n", humanize.Comma(int64(result.Names)), out)
}

func exportTo(c *console, house *dmp.DMP, expression, path string) (dmp.Export, error) {
	file, err := export.Create(path)
	if err != nil {
		return dmp.Export{}, err
	}
	defer file.Abort()
	result, err := house.Export(c, dmp.ExportRequest{Expression: expression}, file, nil)
	if err != nil {
		return result, err
	}
	return result, file.Commit()
}
