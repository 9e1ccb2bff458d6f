package core

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/rclone/rclone/fs"

	"bridge/fault"
)

// checkAuthorities tells what is wrong with the files of certificate authorities that the user
// named (RCLONE_CA_CERT). rclone would end the process (NewTransportCustom in fs/fshttp).
func checkAuthorities(ci *fs.ConfigInfo) error {
	for _, file := range ci.CaCert {
		text, err := os.ReadFile(file)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
			err = errors.New("there is no certificate in it (PEM is expected)")
		}
		if err != nil {
			return fault.New(fault.Config, "", fmt.Sprintf("RCLONE_CA_CERT names the file %q: %v", file, err))
		}
	}
	return nil
}
