//go:build !all_backends

package core

// moreBackends tells where there are more.
const moreBackends = `; "make package BACKENDS=all" makes a package with every backend of rclone`
