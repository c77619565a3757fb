package dmp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"sosie/audience"
	"sosie/pixel"
)

// maxConfig is the largest configuration file read, in bytes.
const maxConfig = 4 << 20

// ReadConfig reads and checks the configuration file at path. A failure is an
// *Error that wraps ErrConfig and names the line.
func ReadConfig(path string) (Config, error) {
	fail := func(err error) (Config, error) {
		return Config{}, &Error{Op: "read configuration", Object: path, Err: err,
			Hint: "`sosie serve --check --config " + path + "` checks the file without starting; README.md lists the keys."}
	}
	file, err := os.Open(path)
	if err != nil {
		return Config{}, &Error{Op: "read configuration", Object: path, Err: fmt.Errorf("%w: %w", ErrConfig, errors.Unwrap(err)),
			Hint: "Give the file's path with --config, or leave it out to start without one."}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrConfig, err))
	}
	c, err := ParseConfig(text)
	if err != nil {
		return fail(err)
	}
	c.File = path
	return c, nil
}

// ParseConfig reads one YAML document, without filling in defaults. Keys that
// do not exist, keys given twice, aliases and further documents are refused.
// Errors wrap ErrConfig and name the line.
func ParseConfig(text []byte) (Config, error) {
	c := Config{Limits: pixel.DefaultLimits()}
	if len(text) > maxConfig {
		return c, fmt.Errorf("%w: larger than %d bytes", ErrConfig, maxConfig)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return c, configError(err)
	}
	if len(file.Docs) > 1 {
		return c, fmt.Errorf("%w: %d YAML documents in one file: want one", ErrConfig, len(file.Docs))
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return c, nil
	}
	body := file.Docs[0].Body
	if err := plain(body); err != nil {
		return c, err
	}
	if err := known(body, reflect.TypeFor[Config]()); err != nil {
		return c, err
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, configError(err)
	}
	if err := c.check(body); err != nil {
		return Config{}, err
	}
	return c, nil
}

// configError rewrites an error of the YAML library as one line with its place.
func configError(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return fmt.Errorf("%w: line %d, column %d: %s", ErrConfig, p.Line, p.Column, at.GetMessage())
	}
	return fmt.Errorf("%w: %s", ErrConfig, strings.TrimSpace(err.Error()))
}

// lineError is an error at a node, or without a place for a configuration that
// did not come from a file.
func lineError(n ast.Node, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return fmt.Errorf("%w: %s", ErrConfig, text)
	}
	return fmt.Errorf("%w: line %d: %s", ErrConfig, n.GetToken().Position.Line, text)
}

// visitor makes a function walk a tree of nodes.
type visitor func(ast.Node) bool

func (v visitor) Visit(n ast.Node) ast.Visitor {
	if v(n) {
		return v
	}
	return nil
}

// plain refuses what makes a short text mean a long one.
func plain(body ast.Node) error {
	var refused ast.Node
	ast.Walk(visitor(func(n ast.Node) bool {
		switch n.(type) {
		case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
			refused = n
		}
		return refused == nil
	}), body)
	if refused != nil {
		return lineError(refused, "anchors, aliases, merge keys and tags are not used in this file")
	}
	return nil
}

// known checks every key of the tree against the fields of a type, so that a
// misspelt one is named with its line and with what was probably meant.
func known(n ast.Node, t reflect.Type) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := knownValue(v, t); err != nil {
				return err
			}
		}
	case *ast.MappingValueNode:
		return knownValue(n, t)
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice {
			return nil // The decoder says what it wanted instead.
		}
		for _, v := range n.Values {
			if err := known(v, t.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

func knownValue(v *ast.MappingValueNode, t reflect.Type) error {
	if t.Kind() != reflect.Struct {
		return nil
	}
	name := v.Key.GetToken().Value
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		if key == name {
			return known(v.Value, t.Field(i).Type)
		}
		names = append(names, key)
	}
	if near, ok := audience.Nearest(name, names); ok {
		return lineError(v.Key, "unknown key %q: did you mean %q?", name, near)
	}
	return lineError(v.Key, "unknown key %q: want one of %s", name, strings.Join(names, ", "))
}
