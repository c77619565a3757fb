package dmp

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestReadme: the example of README is a right configuration, and its table
// names every key.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(after, "```")
	if !ok || !closed {
		t.Fatal("README has no example of a configuration")
	}
	if c, err := ParseConfig([]byte(example)); err != nil || len(c.Sites) != 2 || len(c.Labels) != 4 {
		t.Errorf("the example: %v, %d sites, %d labels", err, len(c.Sites), len(c.Labels))
	}
	var keys func(prefix string, of reflect.Type)
	keys = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			name := prefix + f.Tag.Get("yaml")
			if name == prefix+"-" {
				continue // not a key of the file
			}
			switch {
			case name == "limits":
				name = "limits.…" // described where they are declared
			case f.Type.Kind() == reflect.Struct && f.Type.PkgPath() == of.PkgPath() && f.Type.NumField() > 0:
				keys(name+".", f.Type)
				continue
			case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct && name != "trusted_proxies":
				keys(name+"[].", f.Type.Elem())
				continue
			}
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("README does not explain %s", name)
			}
		}
	}
	keys("", reflect.TypeFor[Config]())
}
