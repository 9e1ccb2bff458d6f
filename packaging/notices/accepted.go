package main

import (
	"fmt"
	"slices"
	"strings"
)

// accepted are the licences, by SPDX's names, under which a part may be linked into a program with the ISC
// licence that is handed on with its sources. MPL-2.0 asks for the sources of its own files only.
var accepted = []string{
	"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0",
	"MPL-2.0-no-copyleft-exception", "UPL-1.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib",
	"LLVM-exception", // Behind WITH.
}

// reviewed are modules under other licences that somebody has looked at, by name and licence.
var reviewed = map[string]string{
	// In rclone's smb, so only with every backend. The LGPL lets it be linked where all sources are handed on.
	"github.com/cloudsoda/sddl": "LGPL-3.0",
}

// refuse names the parts with no licence that is accepted.
func refuse(parts []part) []string {
	var refused []string
	for _, p := range parts {
		if p.License != "" && p.License == reviewed[p.Name] {
			continue
		}
		if !satisfied(p.License) {
			refused = append(refused, fmt.Sprintf("  %s %s: %q", p.Name, p.Version, p.License))
		}
	}
	return refused
}

// satisfied tells whether an SPDX expression can be met by accepted licences. A slash is an old OR.
func satisfied(expression string) bool {
	spaced := strings.NewReplacer("(", " ( ", ")", " ) ", "/", " OR ").Replace(expression)
	words := strings.Fields(spaced)
	ok, rest := either(words)
	return ok && len(words) > 0 && len(rest) == 0
}

func either(words []string) (bool, []string) {
	ok, words := both(words)
	for len(words) > 0 && words[0] == "OR" {
		var other bool
		other, words = both(words[1:])
		ok = ok || other
	}
	return ok, words
}

func both(words []string) (bool, []string) {
	ok, words := one(words)
	for len(words) > 0 && (words[0] == "AND" || words[0] == "WITH") {
		var other bool
		other, words = one(words[1:])
		ok = ok && other
	}
	return ok, words
}

func one(words []string) (bool, []string) {
	if len(words) == 0 {
		return false, nil
	}
	if words[0] != "(" {
		return slices.Contains(accepted, words[0]), words[1:]
	}
	ok, rest := either(words[1:])
	if len(rest) == 0 || rest[0] != ")" {
		return false, rest
	}
	return ok, rest[1:]
}
