// Package quiet keeps rclone from touching the user's home folder, and from ending the process because of what does not concern us.
//
// The init function of rclone's fs/config makes ~/.config/rclone unless RCLONE_CONFIG is set
// (makeConfigPath in fs/config/config.go). Our configuration lives in memory only, so the
// variable is set first. Go initialises packages in the order of their import paths as soon as
// their imports are ready: this one imports only os and its path sorts before github.com.
package quiet

import "os"

// LogLevel is what RCLONE_LOG_LEVEL was.
var LogLevel = os.Getenv("RCLONE_LOG_LEVEL")

func init() {
	if _, set := os.LookupEnv("RCLONE_CONFIG"); !set {
		_ = os.Setenv("RCLONE_CONFIG", os.DevNull)
	}
	// rclone ends the process while it is being loaded where it cannot use a variable (RegisterGlobalOptions in
	// fs/registry.go): without a word for this one, which is understood later.
	_ = os.Unsetenv("RCLONE_LOG_LEVEL")
	// And where a file of a filter is missing, which would have no effect on what we ask for.
	for _, filter := range []string{"FILES", "FILTER", "INCLUDE", "EXCLUDE", "METADATA_FILTER", "METADATA_INCLUDE", "METADATA_EXCLUDE"} {
		_ = os.Unsetenv("RCLONE_" + filter + "_FROM")
	}
	_ = os.Unsetenv("RCLONE_FILES_FROM_RAW")
}
