package fault

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func FuzzRedact(f *testing.F) {
	for _, secret := range []string{"p4ss", "p4ss&w0rd/ü", `qu"ote\d`, "%20%20", "abc", "\xff\xfe\xfd\xfc", "aaaa", "a b c"} {
		f.Add(secret, "before ", " after")
		f.Add(secret, secret, secret)
	}
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(secret) < 4 || strings.Contains("redacted", secret) || strings.ContainsAny(secret, "[]") {
			// Too short to blot out, or what stands for it could be taken for it.
			return
		}
		secrets.Lock()
		secrets.texts, secrets.replacer = nil, nil
		secrets.Unlock()
		KeepSecret(secret)
		quoted := strconv.Quote(secret)
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1]} {
			if shown := Redact(before + form + after); strings.Contains(shown, secret) {
				t.Fatalf("%q is in %q", secret, shown)
			}
		}
	})
}
