package fault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
)

// caCertAdvice is what to do where a certificate's signer is not known.
const caCertAdvice = "set RCLONE_CA_CERT to the file of the authority that signed it, if that is one of yours (a company's proxy, for example)"

// noAuthoritiesAdvice is what to do where no signer is known.
const noAuthoritiesAdvice = "this machine has no certificates of authorities: install ca-certificates, or set SSL_CERT_FILE to a file of them"

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
	case errors.As(err, &unknown) && noAuthorities():
		return fmt.Sprintf("the certificate of %s cannot be checked: %s", host, noAuthoritiesAdvice)
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
