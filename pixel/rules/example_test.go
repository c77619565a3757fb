package rules_test

import (
	"fmt"

	"sosie/pixel/rules"
)

// A rule fires when all its conditions are met, and of each list one element.
func Example() {
	set, err := rules.Compile(rules.Options{}, []rules.Rule{
		{Path: rules.Any{"/tennis/*", "/rackets/*"}, Labels: rules.Any{"interest/tennis"}},
		{Search: rules.Any{"tennis racket"}, Device: rules.Any{"mobile"}, Labels: rules.Any{"intent/racket", "device/mobile"}},
		{Event: rules.Any{"purchase"}, ValueAtLeast: rules.Any{"100 EUR"}, Labels: rules.Any{"bought/much"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var page rules.Page
	page.SetURL([]byte("https://www.shop.example/tennis/wilson?color=red"))
	page.Referrer = []byte("https://duckduckgo.com/?q=cheap+tennis+racket")
	page.Device = rules.DeviceOf([]byte("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148"))

	var scratch rules.Scratch // one for each goroutine, used again and again
	for _, rule := range set.Match(&page, &scratch) {
		fmt.Println(rule+1, set.Labels(rule))
	}
	fmt.Println(set.Explain(&page)[2].Failed)
	// Output:
	// 1 [interest/tennis]
	// 2 [intent/racket device/mobile]
	// event: purchase; it is a page view
}
