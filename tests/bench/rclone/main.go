// Command rclone is rclone with one command and two backends, from its own module: what `rclone cat`
// of the full program does, built in a fraction of the time.
package main

import (
	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/cat"
)

func main() { cmd.Main() }
