package main

// rule holds the verbs about rules.
type rule struct {
	Test ruleTry  `cmd:"" help:"Say which rules fire on a page, or why none does."`
	List ruleList `cmd:"" help:"List the rules of the configuration."`
}

const rulesHelp = `Rules stand in the configuration file, at their site. All conditions of a rule must be met; of a list, one element is enough.

  sites:
    - key: shop
      hosts: [www.shop.example]
      zone: Europe/Paris
      rules:
        - name: rackets
          path: [/rackets/*, /shop/*/rackets]
          labels: interest/tennis
        - search: [tennis racket, tennis shoes]
          device: mobile
          labels: [intent/tennis, device/mobile]
        - event: purchase
          value_at_least: 100 EUR
          labels: bought/much

  host, referrer    www.shop.example, or "*.shop.example" for all hosts under it
  path              /a is a page, /a/* all below a folder, /a/*/b any one folder between
  query             {utm_source: news, color: "*"}: a parameter's value, or that it is there
  search            words or a phrase searched for: on the site, or at a search engine
  words             words or a phrase in title, canonical address or meta words
  event             names of events; a rule without it fires on page views and events
  item              ids of an event's object and items; sku-1* is all that begin so
  value_at_least    49.90 in any currency, or 49.90 EUR
  device            mobile, tablet, desktop
  hours, weekdays   18-23 is 18:00 to 23:59, 22-2 crosses midnight; sat, sun, mon-fri`
