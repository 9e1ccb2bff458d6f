// Package quiet keeps rclone from touching the user's home folder.
//
// The init function of rclone's fs/config makes ~/.config/rclone unless RCLONE_CONFIG is set
// (makeConfigPath in fs/config/config.go). Our configuration lives in memory only, so the
// variable is set first. Go initialises packages in the order of their import paths as soon as
// their imports are ready: this one imports only os and its path sorts before github.com.
package quiet

import "os"

func init() {
	if _, set := os.LookupEnv("RCLONE_CONFIG"); !set {
		_ = os.Setenv("RCLONE_CONFIG", os.DevNull)
	}
}
