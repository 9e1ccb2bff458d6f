// Package backends chooses which of rclone's backends are linked in.
//
// The build tag all_backends takes every backend of rclone; without it, OpenDrive and the few
// that tests and common set-ups need.
package backends

import (
	_ "github.com/rclone/rclone/backend/alias"
	_ "github.com/rclone/rclone/backend/crypt"
	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/memory"
	_ "github.com/rclone/rclone/backend/opendrive"
)
