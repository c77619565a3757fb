package main

import (
	"fmt"

	"sosie/dmp"
)

// place is where the data is and how it is opened: flags that every verb takes.
// A flag wins over its environment variable, which wins over the file.
type place struct {
	Config  string   `help:"Configuration file, YAML. Default: none." placeholder:"FILE" env:"SOSIE_CONFIG"`
	Data    string   `help:"Data directory. Default: ${default_data}." placeholder:"DIR" env:"SOSIE_DATA_DIR"`
	Keys    string   `name:"keys" help:"Directory of the keys, outside the data directory. Default: <data>.keys." placeholder:"DIR" env:"SOSIE_KEYS"`
	Memory  dmp.Size `help:"Memory budget of the process, such as 4GiB. Default: none." placeholder:"SIZE" env:"SOSIE_MEMORY"`
	Reserve dmp.Size `help:"Free space kept on the device; below it hits get 503. Default: 512MiB." placeholder:"SIZE" env:"SOSIE_RESERVE"`
}

// load reads the configuration file, if any, and lets the flags win.
func (p *place) load() (dmp.Config, error) {
	var c dmp.Config
	if p.Config != "" {
		var err error
		if c, err = dmp.ReadConfig(p.Config); err != nil {
			return c, err
		}
	}
	override(&c.Data, p.Data)
	override(&c.Keys, p.Keys)
	override(&c.Memory, p.Memory)
	override(&c.Reserve, p.Reserve)
	return c.WithDefaults(), nil
}

func override[T comparable](field *T, flag T) {
	var unset T
	if flag != unset {
		*field = flag
	}
}

// reach opens what answers for the data directory: its server, or the directory
// itself. A store made by the way is told, since it may mean a mistyped --data.
func (c *console) reach() (dmp.Engine, error) {
	config, err := c.place.load()
	if err != nil {
		return nil, err
	}
	engine, err := dmp.Reach(c, config)
	if err != nil {
		return nil, err
	}
	if d, ok := engine.(*dmp.DMP); ok && d.Fresh() {
		fmt.Fprintf(c.err, "sosie: made a new store in %s, and its keys in %s\n", config.Data, config.Keys)
	}
	return engine, nil
}
