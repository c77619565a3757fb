package browser

import "testing"

// platform is a consent platform's stand-in: it keeps the callbacks, and decide
// gives them an answer.
const platform = `<script>
	var tcf, gpp;
	window.__tcfapi = function (command, version, f) { if (command == 'addEventListener') tcf = f };
	window.__gpp = function (command, f) {
		if (command != 'addEventListener') return;
		gpp = f;
		f({eventName: 'listenerRegistered', pingData: {signalStatus: 'not ready', applicableSections: [], gppString: ''}}, true);
	};
</script>`

// TestConsent: where there is a consent platform nothing leaves before it has
// answered, then everything leaves with the answer.
func TestConsent(t *testing.T) {
	s := newStage(t)
	host := "www.news.example"

	t.Run("both kinds", func(t *testing.T) {
		s.t = t
		s.page(host+"/both", platform+s.tagOf("news", "")+`<script>sosie('tag', 'interest/tennis')</script>`)
		b := open(t, s.browser)
		b.visit(s.at(host, "/both"))
		b.wait(`tcf && gpp`)
		b.do(`sosie('event', 'cart')`)
		b.do(`tcf({eventStatus: 'cmpuishown', gdprApplies: true, tcString: 'NOTYET'}, true)`)
		b.do(`tcf({eventStatus: 'useractioncomplete', gdprApplies: true, tcString: 'FAILED'}, false)`)
		b.do(`gpp({eventName: 'signalStatus', pingData: {signalStatus: 'ready', applicableSections: [2, 6], gppString: 'DBACNY~C~1YNN'}}, true)`)
		s.none()
		b.do(`tcf({eventStatus: 'useractioncomplete', gdprApplies: true, tcString: 'CPgiven'}, true)`)
		hits := s.take(3)
		want := map[string]string{"s": "news", "gdpr": "1", "gdpr_consent": "CPgiven", "gpp": "DBACNY~C~1YNN", "gpp_sid": "2,6"}
		for i, more := range []map[string]string{{"u": s.at(host, "/both")}, {"l": "interest/tennis"}, {"e": "cart", "u": s.at(host, "/both")}} {
			for key, value := range want {
				more[key] = value
			}
			hits[i].wants(t, more)
		}
		b.do(`tcf({eventStatus: 'useractioncomplete', gdprApplies: true, tcString: 'CPother'}, true); sosie('tag', 'a/b')`)
		if h := s.take(1)[0]; h.Get("gdpr_consent") != "CPother" {
			t.Errorf("a later choice is not taken: %s", h.Encode())
		}
		s.none()
		b.quiet()
	})

	t.Run("not under the GDPR", func(t *testing.T) {
		s.t = t
		s.page(host+"/elsewhere", `<script>window.__tcfapi = function (c, v, f) { f({eventStatus: 'tcloaded', gdprApplies: false, tcString: ''}, true) }</script>`+s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/elsewhere"))
		s.take(1)[0].wants(t, map[string]string{"s": "news", "gdpr": "0", "u": s.at(host, "/elsewhere")})
		b.quiet()
	})

	t.Run("a platform that fails", func(t *testing.T) {
		s.t = t
		s.page(host+"/broken", `<script>window.__tcfapi = function () { throw new Error('no') }</script>`+s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/broken"))
		b.wait(`window.sosie && sosie.v`)
		b.do(`sosie('tag', 'a/b')`)
		s.none()
		b.quiet()
	})

	t.Run("a consent that is too long for a hit", func(t *testing.T) {
		s.t = t
		s.page(host+"/long", `<script>window.__tcfapi = function (c, v, f) { f({eventStatus: 'tcloaded', gdprApplies: true, tcString: 'C'.repeat(7000)}, true) }</script>`+s.tagOf("news", ""))
		b := open(t, s.browser)
		b.visit(s.at(host, "/long"))
		b.do(`sosie('tag', 'a/b')`)
		s.none()
		b.quiet()
	})

	t.Run("global privacy control", func(t *testing.T) {
		s.t = t
		s.page(host+"/private", s.tagOf("news", "")+`<script>sosie('tag', 'interest/tennis')</script>`)
		b := open(t, s.browser)
		b.first(`Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})`)
		b.visit(s.at(host, "/private"))
		s.take(1)[0].wants(t, map[string]string{"s": "news", "gpc": "1"})
		b.do(`sosie('event', 'cart'); history.pushState({}, '', '/private/on')`)
		b.do(`sosie('segments', function (names) { got = 'none:' + names.length })`)
		b.wait(`window.got == 'none:0'`)
		s.none()
		b.quiet()
	})
}
