package browser

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"sosie/dmp/demo"
	"sosie/pixel"
)

// TestDemoPages looks at the demo's pages as a newcomer does: every link leads to a
// page, the pixel learns what was read and bought, and the pages show it.
func TestDemoPages(t *testing.T) {
	var config struct {
		Sites  []pixel.Site            `yaml:"sites"`
		Labels []struct{ Name string } `yaml:"labels"`
	}
	if err := yaml.Unmarshal([]byte(demo.Configuration("a secret of the club")), &config); err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, l := range config.Labels {
		labels = append(labels, l.Name)
	}
	_, p := openPixel(t, pixel.Config{Sites: config.Sites}, labels...)
	to := "http://127.0.0.1:" + servePixel(t, p, func(l net.Listener) net.Listener { return l })
	var servers [2]*httptest.Server
	var addresses [2]string
	for i := range servers {
		servers[i] = httptest.NewUnstartedServer(nil)
		addresses[i] = "http://" + servers[i].Listener.Addr().String()
	}
	for i, site := range []string{"news", "shop"} {
		servers[i].Config.Handler = demo.Pages(site, to, addresses[0], addresses[1])
		servers[i].Start()
		t.Cleanup(servers[i].Close)
	}

	b := open(t, chrome(t, "", allowed))
	b.visit(addresses[0] + "/")
	links := ask[[]string](b, `[...document.links].map(link => link.href)`)
	if len(links) < 10 {
		t.Errorf("the front page has %d links", len(links))
	}
	for _, link := range links {
		answer, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", link, answer.Status)
		}
	}
	b.answered(to + pixel.BeaconPath)
	b.leave(`document.querySelector('nav a').click()`)
	b.wait(`document.getElementById('known').innerText.includes('interest/tennis')`)
	b.answered(to + pixel.BeaconPath)
	b.leave(`document.querySelector('.out').click()`)
	b.answered(to + pixel.BeaconPath)
	b.do(`document.querySelector('button.now').click()`)
	b.wait(`document.getElementById('known').innerText.includes('bought/racket')`)
	if known := ask[string](b, `document.getElementById('known').innerText`); strings.Contains(known, "interest/tennis") {
		t.Errorf("the shop is told what the news knows: %s", known)
	}
	b.quiet()
}
