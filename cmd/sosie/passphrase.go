package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"sosie/dmp"
)

// passphrase is the flag of the verbs that need one.
type passphrase struct {
	PassphraseFile string `name:"passphrase-file" help:"File whose first line is the passphrase of the keys. Default: ask on the terminal." placeholder:"FILE"`
}

// read reads the passphrase; a new one that is typed is typed twice.
func (p passphrase) read(c *console, fresh bool) (string, error) {
	if p.PassphraseFile != "" {
		text, err := os.ReadFile(p.PassphraseFile)
		if err != nil {
			return "", &dmp.Error{Op: "read", Object: "passphrase", Err: err}
		}
		line, _, _ := bytes.Cut(text, []byte{'\n'})
		if line = bytes.TrimSuffix(line, []byte{'\r'}); len(line) == 0 {
			return "", &dmp.Error{Op: "read", Object: p.PassphraseFile, Err: errors.New("its first line is empty")}
		}
		return string(line), nil
	}
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return "", fmt.Errorf("read passphrase: %w: there is no terminal to ask on: name a file with --passphrase-file", errUsage)
	}
	first, err := ask(c, terminal, "passphrase of the keys: ")
	if err != nil || !fresh {
		return first, err
	}
	if second, err := ask(c, terminal, "once more: "); err != nil || second != first {
		return "", errors.Join(err, &dmp.Error{Op: "read", Object: "passphrase", Err: errors.New("the two differ")})
	}
	return first, nil
}

func ask(c *console, terminal int, question string) (string, error) {
	fmt.Fprint(c.err, question)
	typed, err := term.ReadPassword(terminal)
	fmt.Fprintln(c.err)
	if err != nil {
		return "", &dmp.Error{Op: "read", Object: "passphrase", Err: err}
	}
	return string(typed), nil
}
