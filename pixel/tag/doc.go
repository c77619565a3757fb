// Package tag is the script that site owners put on their pages: tag.js is its
// source, tag.min.js what is served, [Choose] the bytes of an answer, snippet.html
// what goes on pages.
//
// The script tells the pixel of page views, labels and events in the parameters
// of [sosie/pixel]: by sendBeacon to /p, by images to /p.gif where there is none.
// It takes the pixel's address from its own, https://p.example.com/v1/tag.js, or
// from data-path on the page's own host.
//
//	sosie('tag', 'interest/tennis', 'page/cart')
//	sosie('event', 'purchase', {id: '4711', value: 99.5, currency: 'EUR', items: ['racket', 'ball']})
//	sosie('segments', function (names, answer) { … })
//	sosie('user', id, signature)              who has signed in, see pixel.SignID
//	sosie('signed', 'bought/racket', time, signature)   see pixel.Sign
//
// # Invariant
//
// The script throws nothing into the page, writes nothing to the page or the
// browser, and makes no page wait for the pixel. Where there is a consent platform,
// nothing leaves before it has answered, and everything that leaves carries the
// answer. Where the browser asks not to be tracked (Global Privacy Control), one
// line without any address, word or label leaves, with gpc=1, so that the pixel
// can forget the visitor.
//
// # Gotcha
//
// tag.min.js is made of tag.js by go generate; a test fails where they differ.
// Pages keep the script for long: what /v1/tag.js once understood, it must go on
// to understand.
package tag
