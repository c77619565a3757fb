// Sosie's tag: tells the pixel of page views, labels and events.
//
//   <script src="https://p.example.com/v1/tag.js" data-site="shop"></script>
//
//   data-site   the site's key; required
//   data-path   where the pixel answers on the page's own host, such as /sosie;
//               left out, the tag talks to where its script came from
//   data-meta   names of the meta words that go along: keywords,article:section
//
// It keeps nothing in the browser: the cookie is the server's. It never throws
// into the page, and where it cannot read the visitor's consent it sends nothing.
// Lines are kept short enough for the pixel: 16 to a body of 8 KB.
(function () {
  'use strict';

  // A page may have replaced or broken anything that is touched here.
  function attempt(f, argument) {
    try {
      return f(argument);
    } catch (e) {}
  }

  attempt(function () {
    // Own members only: what a page puts on Object.prototype is not an option.
    function own(object, name) {
      return object && Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined;
    }

    var stub = window.sosie;
    if (own(stub, 'v')) return; // the tag is on this page already

    var script = document.currentScript;
    function option(name) {
      return script.getAttribute('data-' + name) || '';
    }
    var site = option('site');
    if (!site) return;
    var base = /^\/(?!\/)/.test(option('path'))
      ? location.origin + option('path').replace(/\/+$/, '')
      : script.src.replace(/(\/v1)?\/tag\.js.*$/, '');

    var meta = option('meta').split(',').filter(function (name) {
      return /^[\w:.-]+$/.test(name);
    });

    // Undefined: there is no such platform. Null: it has not answered.
    var tcf, gpp;
    var user = [];
    var ready, at, timer;
    var calls = [];
    var lines = [];

    // One hit. What decides whether it may be stored comes first: a hit too long
    // for the pixel loses its words, and without its consent it may not be sent.
    function line(fields) {
      var head = ['s', site].concat(tcf || [], gpp || []);
      fields = head.concat(fields);
      var text = '';
      for (var i = 0; i < fields.length; i += 2) {
        var value = fields[i + 1];
        if (value == null || value === '') continue;
        value = String(value);
        var part = attempt(encodeURIComponent, value);
        // Half of a surrogate pair, left by a cut, cannot be encoded.
        if (part == null) part = encodeURIComponent(value.replace(/[\ud800-\udfff]/g, ''));
        part = (text && '&') + fields[i] + '=' + part;
        if (text.length + part.length <= 6000) text += part;
        else if (i < head.length) throw 0;
      }
      return text;
    }

    function send(fields) {
      lines.push(line(user.concat(fields)));
      if (!timer)
        timer = attempt(function () {
          return setTimeout(attempt, 0, flush);
        });
      if (!timer) flush();
    }

    function flush() {
      clearTimeout(timer);
      timer = 0;
      while (lines.length) {
        var batch = lines.splice(0, 1);
        while (lines.length && batch.length < 16 && batch.concat(lines[0]).join('\n').length <= 8000) {
          batch.push(lines.shift());
        }
        // A string goes as text/plain, which needs no preflight.
        if (
          !attempt(function () {
            return navigator.sendBeacon(base + '/p', batch.join('\n'));
          })
        ) {
          batch.forEach(image);
        }
      }
    }

    // An image that is asked for before the page has loaded would make it wait.
    function image(text) {
      loaded(function () {
        var img = new Image();
        img.referrerPolicy = 'origin';
        img.src = base + '/p.gif?' + text;
      });
    }

    function loaded(f) {
      if (document.readyState == 'complete') f();
      else
        addEventListener('load', function () {
          attempt(f);
        });
    }

    function address() {
      return location.href.split('#')[0];
    }

    // Texts are cut; labels and ids never, since half of one is another.
    function text(length, f) {
      return String(attempt(f) || '').slice(0, length);
    }

    function view(referrer) {
      at = address();
      send([
        'u', at.slice(0, 1000),
        'c', text(1000, function () {
          return document.querySelector('link[rel~=canonical]').href;
        }),
        'r', text(1000, referrer),
        't', text(300, function () {
          return document.title;
        }),
        'w', text(300, function () {
          return meta
            .map(function (name) {
              return attempt(function () {
                return document.querySelector('meta[name="' + name + '"],meta[property="' + name + '"]').content;
              });
            })
            .filter(Boolean)
            .join(',');
        }),
      ]);
    }

    // Frameworks change the title after the address, and sometimes the address
    // twice: only where they come to rest is looked at.
    function moved() {
      setTimeout(function () {
        attempt(function () {
          var from = at;
          if (ready && address() != from && !navigator.globalPrivacyControl) {
            view(function () {
              return from;
            });
          }
        });
      }, 50);
    }

    function watch(name) {
      var original = history[name];
      history[name] = function () {
        var result = original.apply(this, arguments);
        moved();
        return result;
      };
    }

    function call(a) {
      if (a[0] == 'user') {
        if (lines.length) flush(); // what came before is not of who has signed in
        user = ['k', a[1], 'h', a[2]];
      }
      else if (ready) perform(a);
      else calls.push(a);
    }

    function perform(a) {
      var list = [].slice.call(a, 1);
      var it = a[2];
      if (a[0] == 'segments') segments(a[1]);
      else if (navigator.globalPrivacyControl) return;
      else if (a[0] == 'tag') send(['l', [].concat.apply([], list).join()]);
      else if (a[0] == 'signed') send(['l', [].concat(a[1]).join(), 'x', it, 'g', a[3]]);
      else if (a[0] == 'event') {
        send([
          'e', a[1],
          'i', own(it, 'id'),
          'n', own(it, 'items') && [].concat(it.items).join(),
          'v', own(it, 'value'),
          'y', own(it, 'currency'),
          'u', address().slice(0, 1000),
        ]);
      }
    }

    // The callback is always called, with no segments where none can be had.
    function segments(callback) {
      var nothing = function () {
        return {};
      };
      var answer =
        !navigator.globalPrivacyControl &&
        attempt(function () {
          return fetch(base + '/v1/me?' + line(user), { __proto__: null, credentials: 'include' })
            .then(function (r) {
              return r.ok ? r.json() : {};
            })
            .catch(nothing);
        });
      function give(me) {
        callback(own(me, 'segments') || [], me);
      }
      if (answer) answer.then(give);
      else give({});
    }

    function begin() {
      if (ready || tcf === null || gpp === null) return;
      ready = 1;
      // Who wants no tracking is said once, so that the pixel can forget them, and
      // nothing else.
      if (navigator.globalPrivacyControl) send(['gpc', 1]);
      else
        view(function () {
          return document.referrer;
        });
      while (calls.length) attempt(perform, calls.shift());
    }

    // Consent platforms put a stand-in of theirs on the page before it has been
    // read. A platform that fails to answer keeps everything back.
    function ask() {
      if (typeof window.__tcfapi == 'function') {
        tcf = null;
        attempt(function () {
          window.__tcfapi('addEventListener', 2, function (data, ok) {
            attempt(function () {
              if (!ok || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) return;
              tcf = ['gdpr', data.gdprApplies === false ? 0 : 1, 'gdpr_consent', data.tcString];
              begin();
            });
          });
        });
      }
      if (typeof window.__gpp == 'function') {
        gpp = null;
        attempt(function () {
          window.__gpp('addEventListener', function (event) {
            attempt(function () {
              var state = event.pingData;
              if (state.signalStatus != 'ready') return;
              gpp = ['gpp_sid', [].concat(state.applicableSections).join(), 'gpp', state.gppString];
              begin();
            });
          });
        });
      }
      begin();
    }

    // The whole head must have been read, and a page rendered ahead of time may
    // never be looked at.
    function start() {
      if (document.prerendering) document.addEventListener('prerenderingchange', start);
      else if (document.readyState == 'loading') document.addEventListener('DOMContentLoaded', start);
      else attempt(ask);
    }

    function sosie() {
      attempt(call, arguments);
    }
    sosie.v = 1;
    window.sosie = sosie;
    [].slice.call(own(stub, 'q') || []).forEach(function (a) {
      attempt(call, a);
    });
    ['pushState', 'replaceState'].forEach(function (name) {
      attempt(watch, name);
    });
    addEventListener('popstate', moved);
    addEventListener('pagehide', function () {
      attempt(flush);
    });
    start();
  });
})();
