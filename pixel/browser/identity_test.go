package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"sosie/pixel"
)

// TestIdentities: how many users one browser is that goes to and fro between two
// sites, in a browser as Chromium comes, and in one that refuses the cookies of
// third parties.
func TestIdentities(t *testing.T) {
	for name, controls := range map[string]cookieControls{"third-party cookies allowed": allowed, "third-party cookies refused": refused} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			browser := chrome(t, h.pin, controls)
			b := open(t, browser)
			for letter := range modes {
				h.bodies["/"+letter+"news"], h.bodies["/"+letter+"shop"] = h.tagOf(letter+"news"), h.tagOf(letter+"shop")
				for range 2 {
					for _, name := range []string{"news", "shop"} {
						b.visit(h.page(name, "/"+letter+name))
						b.answered(h.at(letter+name) + "/p")
					}
				}
			}
			both := func(letter, operator string) string {
				return fmt.Sprintf("site/%snews %s site/%[1]sshop", letter, operator)
			}
			together := uint64(1)
			if controls == refused {
				together = 0
			}
			h.counts(both("t", "and"), together)
			h.counts(both("t", "or"), together)
			h.counts(both("p", "and"), 0)
			h.counts(both("p", "or"), 2)
			h.counts(both("f", "and"), 0)
			h.counts(both("f", "or"), 2)
			h.counts("seen", together+4)
			b.quiet()
		})
	}
}

// TestVisit is one visitor's way through everything the tag and the pixel do
// together.
func TestVisit(t *testing.T) {
	h := newHouse(t)
	browser := chrome(t, h.pin, allowed)
	b := open(t, browser)
	h.bodies["/racket"] = h.tagOf("fshop")  // its title is what a rule looks for
	h.bodies["/foreign"] = h.tagOf("tnews") // a page of the shop that says it is of the news
	beacon := h.at("fshop") + "/p"

	b.visit(h.page("shop", "/racket"))
	b.answered(beacon) // pending
	b.do(`history.pushState({}, '', '/other')`)
	b.answered(beacon) // claimed, with what the first brought
	h.counts("site/fshop and interest/tennis", 1)
	b.do(`sosie('event', 'cart', {id: 'r1', value: 99.5, currency: 'EUR', items: ['racket']}); sosie('tag', 'place/italy')`)
	b.answered(beacon)
	h.counts("site/fshop and interest/tennis and place/italy and page/cart", 1)

	b.do(`sosie('segments', function (names, me) { labels = me.labels.join() })`)
	b.wait(`window.labels`)
	if got := ask[string](b, `labels`); got != "interest/tennis,page/cart,place/italy" {
		t.Errorf("the site is told %q", got)
	}
	if got := ask[string](b, `document.cookie`); got != "" {
		t.Errorf("scripts of the page can read %q", got)
	}
	b.quiet()

	b.visit(h.page("shop", "/foreign"))
	b.answered(h.at("tnews") + "/p")
	b.do(`sosie('segments', function (names, me) { labels = 'none:' + (me.labels || []).length })`)
	b.wait(`window.labels`)
	if got := ask[string](b, `labels`); got != "none:0" {
		t.Errorf("another site is told %q", got)
	}
	h.counts("site/tnews", 0)
	b.quiet("CORS", "v1/me")

	// The site's own id makes one user of two browsers, at once.
	h.bodies["/own"] = stub + fmt.Sprintf(`<script>sosie('user', 'c-17', '%s')</script>`, pixel.SignID([]byte(secret), "own", "c-17")) + h.tagOf("own")
	for range 2 {
		b := open(t, chrome(t, h.pin, refused))
		b.visit(h.page("shop", "/own"))
		b.answered(h.at("own") + "/p")
		b.quiet()
	}
	h.counts("site/own", 1)

	// Without JavaScript.
	plain := open(t, browser)
	call(plain, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	image := h.at("tshop") + "/p.gif?s=tshop&l=interest/tennis"
	h.bodies["/noscript"] = h.tagOf("tshop") + `<noscript><img src="` + strings.ReplaceAll(image, "&", "&amp;") + `" width="1" height="1" alt=""></noscript>`
	for range 2 {
		plain.visit(h.page("shop", "/noscript"))
		plain.answered(image)
	}
	h.counts("site/tshop and interest/tennis", 1)
	plain.quiet()
}
