package demo

// page is a page that visitors look at, or something that happens on one.
type page struct {
	site, path string
	query      string // of the address
	event      string // empty for a look at the page
	item       string
	price      string // in euros
	labels     []string
}

// pages are all there are, by a name that tastes use. Their labels are those that
// the rules of the configuration give.
var pages = map[string]*page{
	"front page": {site: "news", path: "/"},
	"tennis":     {site: "news", path: "/sport/tennis/", labels: []string{"interest/tennis"}},
	"football":   {site: "news", path: "/sport/football/", labels: []string{"interest/football"}},
	"food":       {site: "news", path: "/food/", labels: []string{"interest/cooking"}},
	"garden":     {site: "news", path: "/garden/", labels: []string{"interest/garden"}},
	"journeys":   {site: "news", path: "/travel/", labels: []string{"interest/travel"}},
	"cinema":     {site: "news", path: "/culture/cinema/", labels: []string{"interest/cinema"}},
	"tech":       {site: "news", path: "/tech/", labels: []string{"interest/computers"}},

	"italy":   {site: "travel", path: "/italy/", labels: []string{"interest/travel", "place/italy"}},
	"france":  {site: "travel", path: "/france/", labels: []string{"interest/travel", "place/france"}},
	"germany": {site: "travel", path: "/germany/", labels: []string{"interest/travel", "place/germany"}},
	"beach":   {site: "travel", path: "/search", query: "q=quiet+beach", labels: []string{"interest/beach"}},

	"shelves":          {site: "shop", path: "/"},
	"cart":             {site: "shop", path: "/", event: "cart", item: "ball", price: "9.00", labels: []string{"page/cart"}},
	"buy a racket":     {site: "shop", path: "/", event: "purchase", item: "racket", price: "189.00", labels: []string{"bought/racket", "bought/expensive"}},
	"buy balls":        {site: "shop", path: "/", event: "purchase", item: "ball", price: "9.00", labels: []string{"bought/ball"}},
	"buy a pan":        {site: "shop", path: "/", event: "purchase", item: "pan", price: "79.00", labels: []string{"bought/pan"}},
	"buy a suitcase":   {site: "shop", path: "/", event: "purchase", item: "suitcase", price: "159.00", labels: []string{"bought/suitcase", "bought/expensive"}},
	"buy headphones":   {site: "shop", path: "/", event: "purchase", item: "headphones", price: "149.00", labels: []string{"bought/headphones"}},
	"court booked":     {site: "club", path: "/courts/", labels: []string{"interest/tennis", "club/court"}},
	"pitch booked":     {site: "club", path: "/pitches/", labels: []string{"interest/football", "club/pitch"}},
	"trip booked":      {site: "club", path: "/trips/", labels: []string{"interest/travel", "club/trip"}},
	"club's notice":    {site: "club", path: "/"},
	"weather tomorrow": {site: "weather", path: "/"},
}

// wish is a page a taste leads to, with its probability.
type wish struct {
	page   string
	chance float64
}

// taste is a group of visitors that a lookalike should find again: what they look
// at, what they do at the club, and how much more they do it on Saturday and Sunday
// than on a working day.
type taste struct {
	wishes  []wish
	club    string
	weekend float64
}

var tastes = []taste{
	{[]wish{{"tennis", .8}, {"football", .4}, {"cart", .4}, {"buy a racket", .35}, {"buy balls", .2}}, "court booked", 3},
	{[]wish{{"football", .8}, {"tennis", .15}, {"tech", .3}, {"buy balls", .15}, {"buy headphones", .1}}, "pitch booked", 4},
	{[]wish{{"food", .8}, {"garden", .6}, {"cart", .3}, {"buy a pan", .3}}, "trip booked", 1.5},
	{[]wish{{"journeys", .6}, {"italy", .5}, {"france", .4}, {"beach", .4}, {"cart", .2}, {"buy a suitcase", .25}}, "trip booked", 2},
	{[]wish{{"cinema", .7}, {"food", .2}, {"germany", .2}, {"buy headphones", .1}}, "court booked", 1},
	{[]wish{{"tech", .8}, {"cinema", .3}, {"cart", .3}, {"buy headphones", .35}}, "pitch booked", .5},
}

// noise is what any visitor may look at.
var noise = []wish{
	{"tennis", .05}, {"football", .08}, {"cinema", .1}, {"tech", .07}, {"journeys", .05}, {"italy", .05}, {"germany", .05},
	{"food", .06}, {"shelves", .2}, {"cart", .04},
}
