package core

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/rest"
)

// caCertAdvice is what to do where a certificate's signer is not known.
const caCertAdvice = "set RCLONE_CA_CERT to the file of the authority that signed it, if that is one of yours (a company's proxy, for example)"

// checkAuthorities tells what is wrong with the files of certificate authorities that the user
// named (RCLONE_CA_CERT). rclone would end the process (NewTransportCustom in fs/fshttp).
func checkAuthorities(ci *fs.ConfigInfo) error {
	for _, file := range ci.CaCert {
		text, err := os.ReadFile(file)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
			err = errors.New("there is no certificate in it (PEM is expected)")
		}
		if err != nil {
			return newError(KindConfig, "", fmt.Sprintf("RCLONE_CA_CERT names the file %q: %v", file, err))
		}
	}
	return nil
}

// stayOnTLS makes a drive's client refuse to be sent on to an address without TLS: the content of
// a file, and the session id in the address, would be there for all to read.
func stayOnTLS(connections *http.Client) {
	connections.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		err := rest.RefuseHTTPSDowngradeRedirectFn(req, via)
		if errors.Is(err, rest.ErrHTTPSDowngrade) {
			return newError(KindOther, "", fmt.Sprintf("%s sends us on to %s://%s, where nothing is encrypted: refused", via[0].URL.Host, req.URL.Scheme, req.URL.Host))
		}
		return err
	}
}

// certificateProblem says in a sentence what is wrong with a server's certificate, with the host
// and what to do; "" for any other error. None of these is tried again: no other answer would come.
func certificateProblem(err error) string {
	host := "the server"
	var request *url.Error
	if errors.As(err, &request) {
		if address, parseErr := url.Parse(request.URL); parseErr == nil && address.Host != "" {
			host = address.Hostname()
		}
	}
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		other   x509.HostnameError
		any     *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("the certificate of %s is not trusted (%v): %s", host, unknown, caCertAdvice)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s is not valid now (%v): look at the clock of this machine; if it is right, the server's owner must renew the certificate", host, invalid)
	case errors.As(err, &other):
		return fmt.Sprintf("what answers for %s is another host (%v): look at the proxy and the name service of this machine", host, other)
	case errors.As(err, &any):
		return fmt.Sprintf("the certificate of %s is not accepted (%v): %s", host, any.Err, caCertAdvice)
	}
	return ""
}
