package main

import (
	"fmt"

	"sosie/audience/segments"
	"sosie/dmp"
	"sosie/dmp/access"
	visitors "sosie/dmp/demo"
)

// fans is the segment that the demo publishes: the pages show who is in it, and the
// club asks for it at the partner door.
const fans = "tennis-fans"

// publish saves the segment and publishes it to the sites with pages to look at, and
// to the club.
func (s *stage) publish(c *console) error {
	segment := segments.Segment{Name: fans, Expression: demoSegment + " within 30d", Owner: "demo"}
	if _, err := s.house.SaveSegment(c, segment, false); err != nil {
		return err
	}
	for _, site := range []string{"news", "shop", "club"} {
		if _, err := s.house.PublishSegment(c, fans, "site/"+site); err != nil {
			return err
		}
	}
	return nil
}

// showDoors makes a token for each of the other doors, and says how to knock.
func (s *stage) showDoors(c *console) error {
	admin, err := s.house.CreateToken(c, access.Grant{Name: "demo", Role: access.Admin})
	if err != nil {
		return err
	}
	club, err := s.house.CreateToken(c, access.Grant{Name: "demo", Role: access.Site, Sites: []string{"club"}})
	if err != nil {
		return err
	}
	if err := c.printf(`The back office, described at http://%[1]s/docs, with an administrator's token:

  curl -H 'Authorization: Bearer %[2]s' -H 'Content-Type: application/json' -d '{"expression": "segment(%[3]s)"}' http://%[1]s/v1/count

`, s.at.Office, admin.Token, fans); err != nil {
		return err
	}
	who := "nobody"
	if members := s.crowd.MembersWith(demoSegment); len(members) > 0 {
		who = members[0]
	}
	return c.printf(`The partner door, where the club's own server asks of a member:

  curl -H 'Authorization: Bearer %s' %s

`, club.Token, quoted(fmt.Sprintf("http://%s/v1/segments?user=%s:%s", s.at.Partner, visitors.Space, who)))
}

// doors are the demo's: all of them, on free ports of loopback.
func (d *demo) doors(config dmp.Config) dmp.Config {
	config.Listen, config.Partner, config.Office = d.Listen, "127.0.0.1:0", "127.0.0.1:0"
	return config
}
