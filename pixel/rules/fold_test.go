package rules

import "testing"

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"":                        " ",
		"!? ":                     " ",
		"Tennis":                  " tennis ",
		"  Red--SHOES, 42! ":      " red shoes 42 ",
		"ÜNÏ\u00a0Straße":         " ünï straße ",
		"cafe\u0301":              " cafe\u0301 ", // an accent belongs to its letter
		"l'équipe":                " l équipe ",
		"新しいテニス！Red":              " 新 し い テ ニ ス red ",
		"ไทย":                     " ไ ท ย ",
		"한국 테니스":                  " 한국 테니스 ",
		"a\xffb\xc3":              " a b ",
		"\U00020000x\U0001F3BEy":  " \U00020000 x y ",
		"\u212Aelvin \u0130zmir":  " kelvin izmir ",
		"مضرب تنس":                " مضرب تنس ",
		"x\x00y\u2003z\u3000ｗｉｄｅ": " x y z ｗｉｄｅ ",
	} {
		if got := string(fold(nil, []byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for r := range rune(near) {
		if got, _ := foldRune(r); got != foldSlow(r) {
			t.Fatalf("%U folds to %U by the table, to %U without", r, got, foldSlow(r))
		}
	}
}
