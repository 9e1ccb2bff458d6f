package core

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/rclone/rclone/lib/encoder"
	"golang.org/x/text/unicode/norm"
)

// Callers have names as they are, but for look-alikes of what no path can hold or no terminal should get: rclone's standard encoding
// (lib/encoder) has one for each control character, for a slash, NUL, and a name that is dots. The encoding quotes a look-alike
// that is meant as itself, and the sign that quotes. Callers see quotes in front of look-alikes only, so each name stands for one.

// standardPath gives a path in rclone's standard encoding.
func standardPath(path string) string {
	names := strings.Split(path, "/")
	for at, name := range names {
		names[at] = withQuotes(name, func(quotes int) int { return 2 * quotes })
	}
	return strings.Join(names, "/")
}

// shownName gives a name in rclone's standard encoding as callers have it.
func shownName(name string) string {
	return withQuotes(name, func(quotes int) int { return (quotes + 1) / 2 })
}

// withQuotes gives a name with another number of quotes, wherever they stand in front of no look-alike.
func withQuotes(name string, other func(quotes int) int) string {
	const quote = string(encoder.QuoteRune)
	// Dots are look-alikes only where a name is nothing else.
	if !strings.Contains(name, quote) || name == quote+"．" || name == quote+"．"+quote+"．" {
		return name
	}
	var result strings.Builder
	for len(name) > 0 {
		rest := strings.TrimLeft(name, quote)
		quotes := (len(name) - len(rest)) / len(quote)
		next, size := utf8.DecodeRuneInString(rest)
		if !isLookAlike(next) {
			quotes = other(quotes)
		}
		result.WriteString(strings.Repeat(quote, quotes))
		result.WriteString(rest[:size])
		name = rest[size:]
	}
	return result.String()
}

// isLookAlike tells whether a character stands for another one in the standard encoding wherever it is.
func isLookAlike(r rune) bool { return r == '／' || r == '␡' || ('␀' <= r && r <= '␟') }

type nameIn struct {
	Name string `json:"name"`
}

func init() {
	register(Prefix+"namekey", nameKey) // give what names have in common that a drive may take for one
}

// nameKey gives what is the same for names that differ in case or in how accents are composed: drives, and file systems, take them
// for one name.
func nameKey(_ context.Context, in nameIn) (nameIn, error) {
	return nameIn{norm.NFC.String(strings.ToLower(norm.NFC.String(in.Name)))}, nil
}
