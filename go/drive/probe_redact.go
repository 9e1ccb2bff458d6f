package drive

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"bridge/fault"
)

// maxSentence is how much is told of an error's sentence, in runes.
const maxSentence = 200

// opaqueLength is that of a word of large and small letters that is an id, even if it has no digit in it.
const opaqueLength = 20

const redacted = "[redacted]"

// probeHidden are texts that must not get into a report: ids, the account's name, names of the user's folders.
type probeHidden struct {
	mu    sync.Mutex
	texts []string
}

// add remembers texts to hide, the longest first: one may be a part of another.
func (h *probeHidden) add(texts ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, text := range texts {
		// "0" is the root's id on every drive.
		if text != "" && text != "0" && !slices.Contains(h.texts, text) {
			h.texts = append(h.texts, text)
		}
	}
	slices.SortStableFunc(h.texts, func(a, b string) int { return len(b) - len(a) })
}

var (
	// plainWord is a name that is fit to be shown: of a field, or of an account's plan.
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z_ ]*[0-9]{0,2}[A-Za-z_ ]*$`)
	// The drive's sentences name parameters in backticks; quotes are around values.
	quotedText = regexp.MustCompile(`"[^"]*"|(?:^|\s)'[^']*'`)
	// addresses are mail and web addresses, and paths.
	addresses = regexp.MustCompile(`[^\s"'<>()]*(?:@|/|\\)[^\s"'<>()]*`)
	fileNames = regexp.MustCompile(`[\pL\pN_-]+(?:\.[\pL\pN_-]+)*\.[\pL\pN]{1,8}\b`)
	opaque    = regexp.MustCompile(`[A-Za-z0-9_-]{9,}`)
)

// sentence makes what a drive says fit to be sent to others: one line without ids, addresses, paths and names of files.
func (h *probeHidden) sentence(text string) string {
	text = strings.Join(strings.Fields(fault.Redact(text)), " ")
	h.mu.Lock()
	for _, secret := range h.texts {
		text = replaceWhole(text, secret)
	}
	h.mu.Unlock()
	text = quotedText.ReplaceAllString(text, " "+redacted)
	text = addresses.ReplaceAllString(text, redacted)
	text = fileNames.ReplaceAllString(text, redacted)
	text = opaque.ReplaceAllStringFunc(text, func(word string) string {
		mixed := strings.ContainsFunc(word, unicode.IsUpper) && strings.ContainsFunc(word, unicode.IsLower)
		if strings.ContainsFunc(word, unicode.IsDigit) || mixed && len(word) >= opaqueLength {
			return redacted
		}
		return word
	})
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > maxSentence {
		text = string(runes[:maxSentence]) + "…"
	}
	return text
}

// replaceWhole replaces a text where it stands for itself, not as a part of a word.
func replaceWhole(text, secret string) string {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	var kept strings.Builder
	for {
		before, after, found := strings.Cut(text, secret)
		if !found {
			kept.WriteString(text)
			return kept.String()
		}
		kept.WriteString(before)
		// A long text hides wherever it stands.
		inWord := len(secret) < 6 && (endsWith(before, part) || beginsWith(after, part))
		if inWord {
			kept.WriteString(secret)
		} else {
			kept.WriteString(redacted)
		}
		text = after
	}
}

func beginsWith(text string, is func(rune) bool) bool {
	for _, r := range text {
		return is(r)
	}
	return false
}

func endsWith(text string, is func(rune) bool) bool {
	runes := []rune(text)
	return len(runes) > 0 && is(runes[len(runes)-1])
}

// fields gives the names of an object's members, and of those one level below: `error.code`, `Files[].Name`.
func (h *probeHidden) fields(object map[string]any) []string {
	found := []string{}
	add := func(prefix string, members map[string]any) {
		for name := range members {
			if h.shows(name) {
				found = append(found, prefix+name)
			} else {
				found = append(found, prefix+redacted)
			}
		}
	}
	add("", object)
	for name, value := range object {
		if !h.shows(name) {
			continue
		}
		switch value := value.(type) {
		case map[string]any:
			add(name+".", value)
		case []any:
			if len(value) > 0 {
				first, _ := value[0].(map[string]any)
				add(name+"[].", first)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(len(found), maxProbeFields)]
}

// shows tells whether a field's name can be told: one that is an id or a name of something cannot.
func (h *probeHidden) shows(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(name) <= 40 && plainWord.MatchString(name) && fault.Redact(name) == name && !slices.Contains(h.texts, name)
}
