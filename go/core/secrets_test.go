package core

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever goes wrong with a configuration, its secrets are not told.
func TestNoSecretInErrors(t *testing.T) {
	tidy(t)
	const secret = "s3cret-pass"
	f := newFakeFs()
	f.openErr = func() error { return fmt.Errorf("login with %s (%q) failed", secret, secret) }
	id := fmt.Sprintf("%p", f)
	fakes.Store(id, f)
	defer fakes.Delete(id)
	for _, in := range []openIn{
		{Config: map[string]string{"type": "fake", "id": id, "secret": secret}, Plain: []string{"secret"}},
		{Config: map[string]string{"type": "fake", "id": id, "secret": secret}},
		{Config: map[string]string{"type": "fake", "secret": secret}, Plain: []string{"secret"}},
		{Config: map[string]string{"type": "opendrive", "username": "u", "password": secret}},
		{Config: map[string]string{"type": "opendrive", "password": secret}, Plain: []string{"password"}},
		{Config: map[string]string{"type": "opendrive", "username": "u", "pasword": secret}},
		{Config: map[string]string{"type": "nothing", "password": secret}},
		{Config: map[string]string{"password": secret}},
	} {
		output, status := request(t, "open", in)
		if status == 200 || strings.Contains(output, secret) {
			t.Errorf("%v: %s", in.Config, output)
		}
	}
}
