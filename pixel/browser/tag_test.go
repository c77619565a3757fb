package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// TestTag is what the tag does on ordinary pages, in one browser.
func TestTag(t *testing.T) {
	s := newStage(t)
	host := "www.news.example"

	t.Run("page view", func(t *testing.T) {
		s.t = t
		s.page(host+"/list", `<a href="/story?page=2#top">on</a>`)
		s.page(host+"/story", `<html><head>`+s.tagOf("news", `data-meta="keywords,article:section,none"`)+`
			<title>Tennis &amp; more: été</title>
			<meta name="keywords" content="tennis, Paris">
			<meta property="article:section" content="sport">
			<link rel="canonical" href="/story"></head><body>text</body></html>`)
		b := open(t, s.browser)
		b.visit(s.at(host, "/list"))
		b.do(`document.querySelector('a').click()`)
		h := s.take(1)[0]
		h.wants(t, map[string]string{
			"s": "news", "u": s.at(host, "/story?page=2"), "r": s.at(host, "/list"), "c": s.at(host, "/story"),
			"t": "Tennis & more: été", "w": "tennis, Paris,sport",
		})
		if h.way != "/p" || h.header.Get("Origin") != s.at(host, "") {
			t.Errorf("came by %s from %q", h.way, h.header.Get("Origin"))
		}
		s.none()
		b.quiet()
	})

	t.Run("commands", func(t *testing.T) {
		s.t = t
		s.page(host+"/commands", stub+`<script>
			sosie('user', 'c-17', 'feed');
			sosie('tag', 'interest/tennis', 'place/italy');
			sosie('event', 'cart', {id: 'r1', value: 12.5, currency: 'EUR', items: ['racket', 'ball'], other: 1});
		</script>`+s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/commands"))
		hits := s.take(3)
		if hits[0].Get("u") == "" || hits[0].Get("k") != "c-17" {
			t.Errorf("page view: %s", hits[0].Encode())
		}
		hits[1].wants(t, map[string]string{"s": "news", "k": "c-17", "h": "feed", "l": "interest/tennis,place/italy"})
		hits[2].wants(t, map[string]string{"s": "news", "k": "c-17", "h": "feed", "e": "cart", "i": "r1", "v": "12.5", "y": "EUR",
			"n": "racket,ball", "u": s.at(host, "/commands")})
		b.do(`sosie('tag', ['a/b', 'c/d']); sosie('signed', ['bought/racket', 'bought/ball'], 1700000000, 'beef'); sosie('event', 'search');
			sosie('nonsense'); sosie(); sosie('event')`)
		hits = s.take(4)
		hits[0].wants(t, map[string]string{"s": "news", "k": "c-17", "h": "feed", "l": "a/b,c/d"})
		hits[1].wants(t, map[string]string{"s": "news", "k": "c-17", "h": "feed", "l": "bought/racket,bought/ball", "x": "1700000000", "g": "beef"})
		hits[2].wants(t, map[string]string{"s": "news", "k": "c-17", "h": "feed", "e": "search", "u": s.at(host, "/commands")})
		s.none()
		b.quiet()
	})

	t.Run("the last call before leaving", func(t *testing.T) {
		s.t = t
		s.page(host+"/leave", s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/leave"))
		s.take(1)
		b.do(`sosie('tag', 'page/left'); location.href = '/list'`)
		s.take(1)[0].wants(t, map[string]string{"s": "news", "l": "page/left"})
		b.quiet()
	})

	t.Run("single-page navigation", func(t *testing.T) {
		s.t = t
		s.page(host+"/app", `<title>app</title>`+s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/app"))
		s.take(1)
		for _, step := range []struct{ script, path, from string }{
			{`history.pushState({}, '', '/app/one'); setTimeout(() => document.title = 'one', 5)`, "/app/one", "/app"},
			{`history.replaceState({}, '', '/app/two'); history.replaceState({}, '', '/app/three')`, "/app/three", "/app/one"},
			{`history.back()`, "/app", "/app/three"},
		} {
			b.do(step.script)
			h := s.take(1)[0]
			if h.Get("u") != s.at(host, step.path) || h.Get("r") != s.at(host, step.from) {
				t.Errorf("%s: u=%s r=%s", step.script, h.Get("u"), h.Get("r"))
			}
			if step.path == "/app/one" && h.Get("t") != "one" {
				t.Errorf("the title is %q", h.Get("t"))
			}
		}
		b.do(`history.pushState({}, '', '/app'); history.pushState({}, '', '/app#part'); history.replaceState({a: 1}, '')`)
		s.none()
		b.quiet()
	})

	t.Run("first-party path", func(t *testing.T) {
		s.t = t
		s.page(host+"/path", s.tagOf("news", `data-path="/sosie/"`))
		s.page(host+"/proxied", stub+`<script async src="/sosie/tag.js" data-site="news"></script>`)
		b := open(t, s.browser)
		for _, path := range []string{"/path", "/proxied"} {
			b.visit(s.at(host, path))
			if h := s.take(1)[0]; h.way != "/sosie/p" || h.Get("u") != s.at(host, path) {
				t.Errorf("%s: came by %s: %s", path, h.way, h.Encode())
			}
		}
		b.quiet()
	})

	t.Run("segments", func(t *testing.T) {
		s.t = t
		s.page(host+"/segments", stub+`<script>sosie('segments', function (names, answer) { early = names.join() + answer.at })</script>`+s.tagOf("news", ""))
		s.page(host+"/nobody", s.tagOf("news", `data-path="/nowhere"`))
		b := open(t, s.browser)
		b.visit(s.at(host, "/segments"))
		b.wait(`window.early`)
		if got := ask[string](b, `early`); got != "of-news2026-01-02T03:04:05Z" {
			t.Errorf("got %q", got)
		}
		s.take(1)
		b.visit(s.at(host, "/nobody"))
		b.do(`sosie('segments', function (names) { late = 'none:' + names.length })`)
		b.wait(`window.late`)
		if got := ask[string](b, `late`); got != "none:0" {
			t.Errorf("got %q", got)
		}
		b.quiet()
	})

	t.Run("a page rendered ahead of time", func(t *testing.T) {
		s.t = t
		s.page(host+"/ahead", s.tagOf("news", ""))
		b := open(t, s.browser)
		b.first(`Object.defineProperty(document, 'prerendering', {get: function () { return !window.looked }})`)
		b.visit(s.at(host, "/ahead"))
		s.none()
		b.do(`looked = true; document.dispatchEvent(new Event('prerenderingchange'))`)
		s.take(1)
		b.quiet()
	})

	t.Run("twice on a page", func(t *testing.T) {
		s.t = t
		s.page(host+"/twice", s.tagOf("news", "")+s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/twice"))
		s.take(1)
		s.none()
		b.quiet()
	})

	t.Run("many and long", func(t *testing.T) {
		s.t = t
		s.page(host+"/many", s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/many"))
		s.take(1)
		b.do(`for (var i = 0; i < 40; i++) sosie('tag', 'many/' + i)`)
		came := map[string]bool{} // several beacons, which may overtake each other
		for _, h := range s.take(40) {
			came[h.Get("l")] = true
		}
		if len(came) != 40 {
			t.Errorf("%d labels came, want 40", len(came))
		}
		b.do(`document.title = 'é'.repeat(299) + '😀'; history.pushState({}, '', '/many?q=' + 'x'.repeat(5000)); sosie('tag', 'y'.repeat(7000))`)
		hits := s.take(2)
		if _, labelled := hits[0].Values["l"]; labelled || len(hits[0].Values) != 1 {
			t.Errorf("a label too long went as %d bytes", len(hits[0].Encode()))
		}
		if got := len(hits[1].Get("u")); got != 1000 {
			t.Errorf("the address has %d bytes", got)
		}
		if got := hits[1].Get("t"); got != strings.Repeat("é", 299) {
			t.Errorf("the title is %q", got)
		}
		b.quiet()
	})

	t.Run("noscript", func(t *testing.T) {
		s.t = t
		s.page(host+"/noscript", s.tagOf("news", "")+fmt.Sprintf(
			`<noscript><img src="%s?s=news&amp;l=interest/tennis" width="1" height="1" alt=""></noscript>`, s.at("p.pixel.example", "/p.gif")))
		b := open(t, s.browser)
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.visit(s.at(host, "/noscript"))
		h := s.take(1)[0]
		h.wants(t, map[string]string{"s": "news", "l": "interest/tennis"})
		if h.way != "/p.gif" || h.header.Get("Referer") != s.at(host, "/") {
			t.Errorf("came by %s from %q", h.way, h.header.Get("Referer"))
		}
		s.none()
		b.quiet()
	})
}
