package rules

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Any is a list of which one is enough. In YAML it is a list or a single text;
// numbers are texts as they are written.
type Any []string

// UnmarshalYAML reads a text or a list of texts.
func (a *Any) UnmarshalYAML(n ast.Node) error {
	*a = Any{}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return a.add(n)
	}
	if len(list.Values) == 0 {
		return errors.New("the list is empty: leave the key out instead")
	}
	for _, v := range list.Values {
		if err := a.add(v); err != nil {
			return err
		}
	}
	return nil
}

func (a *Any) add(n ast.Node) error {
	switch n := n.(type) {
	case *ast.LiteralNode:
		*a = append(*a, n.Value.Value)
		return nil
	case ast.ScalarNode:
		if n.Type() != ast.NullType {
			*a = append(*a, n.GetToken().Value)
			return nil
		}
	}
	return fmt.Errorf("want a text or a list of texts, not %s", n.Type().YAMLName())
}

// fields is a Rule that is read the ordinary way.
type fields Rule

// UnmarshalYAML reads a rule, and refuses a condition that was left empty: it
// would otherwise be met by every page.
func (r *Rule) UnmarshalYAML(n ast.Node) error {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = append(values, n)
	}
	for _, v := range values {
		inside := []ast.Node{v.Value}
		if m, ok := v.Value.(*ast.MappingNode); ok {
			for _, v := range m.Values {
				inside = append(inside, v.Value)
			}
		}
		for _, i := range inside {
			if i.Type() == ast.NullType {
				return fmt.Errorf("%s has no value: fill it in, or leave the key out", v.Key.GetToken().Value)
			}
		}
	}
	return yaml.NodeToValue(n, (*fields)(r), yaml.Strict())
}
