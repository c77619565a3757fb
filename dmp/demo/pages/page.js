// The snippet of README, in a file of its own for the sake of the page's policy.
window.sosie = window.sosie || function () { (sosie.q = sosie.q || []).push(arguments); };
(function (page) {
  function load() {
    var tag = document.createElement('script');
    tag.src = page.pixel + '/v1/tag.js';
    tag.setAttribute('data-site', page.site);
    document.head.appendChild(tag);
  }
  if (document.readyState == 'complete') load();
  else addEventListener('load', load);
})(document.currentScript.dataset);

// What the page itself does: baskets, and showing what is known.
(function () {
  function show() {
    sosie('segments', function (segments, me) {
      var labels = (me && me.labels) || [];
      if (!labels.length && !segments.length) return;
      var list = document.createElement('ul');
      labels.concat(segments).forEach(function (name) {
        var line = document.createElement('li');
        line.textContent = name;
        list.appendChild(line);
      });
      document.getElementById('known').replaceChildren(list);
    });
  }

  addEventListener('load', function () {
    show();
    // An answer shows what the last publication knows, which is a second old.
    setInterval(show, 2000);
    var bought = 0;
    document.querySelectorAll('button[data-event]').forEach(function (button) {
      button.addEventListener('click', function () {
        var it = button.dataset;
        sosie('event', it.event, { value: it.price, currency: 'EUR', items: [it.item] });
        bought++;
        document.getElementById('basket').textContent =
          it.event == 'purchase' ? 'Thank you for your order' : bought + (bought == 1 ? ' thing' : ' things') + ' in the basket';
      });
    });
  });
})();
