package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
)

// files are the pages people can look at: a news site and a shop, with their own
// style and pictures, and the tag of README on each.
//
//go:embed pages
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"picture": picture}).ParseFS(files, "pages/*.html"))

// picture is a drawing to stand in a page.
func picture(name string) (template.HTML, error) {
	drawing, err := files.ReadFile("pages/pictures/" + name + ".svg")
	return template.HTML(drawing), err // ours, and part of the program
}

// article is a page of the news.
type article struct {
	Path, Section, Title, Lead string
	Picture                    string // its file
}

var articles = []article{
	{"/sport/tennis/", "Tennis", "The long rally is back", "Slower courts and heavier balls have brought patience back to the game, and the crowd with it.", "tennis"},
	{"/sport/football/", "Football", "A small club plans a large stadium", "Four thousand seats, a roof of grass, and a railway station of its own.", "football"},
	{"/food/", "Food", "Seven soups for seven days", "What the market has in November, and what to do with it on a working evening.", "food"},
	{"/garden/", "Garden", "What to plant before the frost", "Bulbs, bare roots and broad beans: the ground is still warm enough for all three.", "garden"},
	{"/travel/", "Travel", "Slow trains through the Alps", "Five lines where the window is the point of the journey.", "travel"},
	{"/culture/cinema/", "Cinema", "The projectionist who would not retire", "For fifty-one years he has threaded the same machine. Tonight it runs for the last time.", "cinema"},
	{"/tech/", "Technology", "A computer that fits a matchbox", "It starts in a second, runs for a week, and teaches children how to take it apart.", "tech"},
}

// product is a thing in the shop.
type product struct {
	ID, Name, Text, Price string
}

var products = []product{
	{"racket", "Racket", "Carbon, 300 grams, strung", "189.00"},
	{"ball", "Tennis balls", "A tube of four", "9.00"},
	{"pan", "Pan", "Forged iron, 28 cm", "79.00"},
	{"suitcase", "Suitcase", "For the cabin, 38 litres", "159.00"},
	{"headphones", "Headphones", "Closed, with a cable", "149.00"},
}

// view is what a template shows.
type view struct {
	Pixel, Site string
	News, Shop  string // addresses
	Articles    []article
	Article     *article // nil on the front page
	Products    []product
}

// Pages serves the news site, or the shop, of which the tag talks to a pixel. news
// and shop are the addresses of the two.
func Pages(site, pixel, news, shop string) http.Handler {
	mux := http.NewServeMux()
	show := func(path, name string, a *article) {
		mux.HandleFunc("GET "+path+"{$}", func(w http.ResponseWriter, _ *http.Request) {
			var page bytes.Buffer
			err := templates.ExecuteTemplate(&page, name, view{pixel, site, news, shop, articles, a, products})
			if err != nil {
				http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy(pixel))
			w.Write(page.Bytes())
		})
	}
	if site == "shop" {
		show("/", "shop.html", nil)
	} else {
		show("/", "news.html", nil)
		for i := range articles {
			show(articles[i].Path, "news.html", &articles[i])
		}
	}
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "pages/style.css") })
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "pages/page.js") })
	return mux
}

// policy is the Content-Security-Policy that README gives, for scripts in files of
// their own.
func policy(pixel string) string {
	return strings.ReplaceAll("default-src 'none'; style-src 'self'; img-src 'self' data: PIXEL; script-src 'self' PIXEL; connect-src PIXEL", "PIXEL", pixel)
}
