package fault

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
)

// resolvConf is where Linux and others say which name servers there are.
const resolvConf = "/etc/resolv.conf"

// bareProblem says in a sentence what a machine lacks that has little more than this executable, such as a container's empty
// image, and what to do; "" where nothing of that is the cause of an error.
func bareProblem(err error) string {
	var lookup *net.DNSError
	if errors.As(err, &lookup) && runtime.GOOS != "windows" && isMissing(resolvConf) {
		return fmt.Sprintf("the address of %s cannot be looked up: %s is missing, which names the name servers of this machine", lookup.Name, resolvConf)
	}
	return ""
}

// isMissing tells whether there is certainly no such file.
func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// noAuthorities tells whether this machine trusts nobody: it has no file of certificates where Go looks for them (root_linux.go in
// crypto/x509), or an empty one.
func noAuthorities() bool {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		// The system itself decides there.
		return false
	}
	pool, err := x509.SystemCertPool()
	return err != nil || pool.Equal(x509.NewCertPool())
}
