package fault

import (
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/obscure"
	"github.com/rclone/rclone/fs/fspath"
)

// secrets are texts that must never appear in an error or a log: passwords and session ids.
var secrets struct {
	sync.RWMutex
	texts map[string]struct{}
	// replacer has the longest text first: one may be a part of another.
	replacer *strings.Replacer
}

// keepSecret remembers a text and the forms that it takes in URLs and in quotes, to redact them.
func KeepSecret(text string) {
	// A short text would blot out harmless parts of every message.
	if len(text) < 4 {
		return
	}
	secrets.Lock()
	defer secrets.Unlock()
	if secrets.texts == nil {
		secrets.texts = map[string]struct{}{}
	}
	quoted := strconv.Quote(text)
	for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text), quoted[1 : len(quoted)-1]} {
		secrets.texts[form] = struct{}{}
	}
	forms := slices.SortedFunc(maps.Keys(secrets.texts), func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, "[redacted]")
	}
	secrets.replacer = strings.NewReplacer(pairs...)
}

// redact replaces every known secret in a text.
func Redact(text string) string {
	secrets.RLock()
	defer secrets.RUnlock()
	if secrets.replacer == nil {
		return text
	}
	return secrets.replacer.Replace(text)
}

// sessionPatterns find session ids that are not known yet: the backend logs the first one, and
// rclone dumps requests and answers if told to, before the login has returned.
var sessionPatterns = []*regexp.Regexp{
	regexp.MustCompile(`((?i:session)[ _]?(?:with )?(?i:id)\\*["']?\s*[:=]\s*\\*["']?)[^\s"'\\&,}]+`),
	regexp.MustCompile(`((?:list|itembyname|info|file)\.json/)[^/?\s"']+`),
	regexp.MustCompile(`(name=\\?"session_id\\?"(?:\\r\\n|\s)+)[^\s\\]+`),
	regexp.MustCompile(`("passwd\\*"\s*:\s*\\*")(?:[^"\\]|\\[^"])+`),
	// A secret of the account's, which users/info gives and nothing of ours needs.
	regexp.MustCompile(`("PrivateKey\\*"\s*:\s*\\*")(?:[^"\\]|\\[^"])+`),
}

// logRedacted writes rclone's log to standard error, whatever its level, without secrets.
func LogRedacted(_ slog.Level, text string) {
	text = Redact(text)
	for _, pattern := range sessionPatterns {
		text = pattern.ReplaceAllString(text, "${1}[redacted]")
	}
	_, _ = os.Stderr.WriteString(text)
}

// everSecret matches those of options that hold a secret, although rclone does not call all of them sensitive.
var everSecret = regexp.MustCompile(`(?:api_key|token|customer_key)$`)

// secretName matches the names of options that hold a secret and are no passwords to rclone: it calls them sensitive, as it does user names and
// hosts, which errors must name.
var secretName = regexp.MustCompile(`pass|secret|token|cookie|mnemonic|grant|(?:credentials|authorization|_pem|sas_url|connection_string|session_id)$|(?:^|_)keys?$|customer_key`)

// IsSecret tells whether nobody must see the value of an option.
func IsSecret(option *fs.Option) bool {
	return option.IsPassword || everSecret.MatchString(option.Name) || (option.Sensitive && secretName.MatchString(option.Name))
}

// KeepSecretsIn keeps the secrets of remotes that are written out in an option of another (":opendrive,password=…:path"): rclone puts the whole of
// it into errors. It may be several, as union and combine have them, of which the latter write a folder before each ("folder=:sftp,pass=…:path").
func KeepSecretsIn(option string) {
	keepSecretsOf(option)
	var several fs.SpaceSepList
	if several.Set(option) != nil {
		return
	}
	for _, one := range several {
		if one != option {
			keepSecretsOf(one)
		}
		if _, remote, found := strings.Cut(one, "="); found {
			keepSecretsOf(remote)
		}
	}
}

// keepSecretsOf does so for one remote.
func keepSecretsOf(remote string) {
	parsed, err := fspath.Parse(remote)
	if err != nil {
		// The last colon is easily forgotten, and what rclone says of that has all of it.
		if parsed, err = fspath.Parse(remote + ":"); err != nil {
			return
		}
	}
	info, err := fs.Find(strings.TrimPrefix(parsed.Name, ":"))
	if err != nil {
		return
	}
	for key, value := range parsed.Config {
		KeepSecretsIn(value)
		found := info.Options.Get(key)
		if found == nil || !IsSecret(found) {
			continue
		}
		KeepSecret(value)
		if found.IsPassword {
			// What is not obscured is refused by the backend.
			_, _ = Obscured(value, false)
		}
	}
}

// Obscured gives a password in rclone's obscured form and makes sure that it is never shown.
func Obscured(value string, plain bool) (string, error) {
	secret := value
	if plain {
		value = obscure.MustObscure(secret)
	} else {
		var err error
		if secret, err = obscure.Reveal(value); err != nil || strings.ContainsFunc(secret, isControl) || strings.ToValidUTF8(secret, "") != secret {
			return "", errors.New("not obscured")
		}
	}
	KeepSecret(secret)
	KeepSecret(value)
	return value, nil
}

func isControl(r rune) bool { return r < ' ' }
