package drive

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// stayOnTLS makes a drive's client refuse to be sent on to an address without TLS: the content of
// a file, and the session id in the address, would be there for all to read.
func stayOnTLS(connections *http.Client) {
	connections.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		err := rest.RefuseHTTPSDowngradeRedirectFn(req, via)
		if errors.Is(err, rest.ErrHTTPSDowngrade) {
			return fault.New(fault.Other, "", fmt.Sprintf("%s sends us on to %s://%s, where nothing is encrypted: refused", via[0].URL.Host, req.URL.Scheme, req.URL.Host))
		}
		return err
	}
}
