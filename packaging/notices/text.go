package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// runtimes are what the compilers add.
//
//go:embed runtimes.txt
var runtimes string

// lgpl is the licence of the GNU C Library.
//
//go:embed LGPL-2.1.txt
var lgpl string

const rule = "\n\n================================================================================\n"

// notices writes the file of licences: a list of the parts, then each text once, with the parts that have it.
func notices(b build, parts []part) ([]byte, error) {
	goroot, err := command(b.Root, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	golang, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "LICENSE"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "What is linked into plakar-opendrive %s for %s beside its own code (ISC licence), and the licences of it.\n\n", b.Version, b.Target)
	var texts []string
	users := map[string][]string{}
	for _, p := range parts {
		fmt.Fprintf(&out, "%s %s: %s\n", p.Name, p.Version, p.License)
		for _, text := range p.Texts {
			if users[text] == nil {
				texts = append(texts, text)
			}
			if name := p.Name + " " + p.Version; !slices.Contains(users[text], name) {
				users[text] = append(users[text], name)
			}
		}
	}
	out.WriteString("\n" + runtimes)
	fmt.Fprintf(&out, "%sThe Go runtime and standard library:\n\n%s", rule, golang)
	if b.OS == "linux" {
		fmt.Fprintf(&out, "%sThe GNU C Library:\n\n%s", rule, lgpl)
	}
	for _, text := range texts {
		fmt.Fprintf(&out, "%s%s:\n\n%s", rule, strings.Join(users[text], ", "), text)
	}
	out.WriteString("\n")
	return out.Bytes(), nil
}
