package core

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs"

	"bridge/fault"
)

// overridePrefix begins the keys that change one of rclone's global options for one remote, as
// in rclone's own configurations (addConfigToContext in fs/newfs.go).
const overridePrefix = "override."

// ofConnections are the global options that a backend takes when it is opened, for the connections that it makes
// (fs/fshttp/http.go).
var ofConnections = []string{
	"allow_https_downgrade", "ca_cert", "client_cert", "client_key", "client_pass", "contimeout", "disable_http2",
	"disable_http_keep_alives", "dump", "expect_continue_timeout", "http_proxy", "no_check_certificate", "no_gzip_encoding", "timeout",
	"use_cookies", "user_agent",
}

// ofBackends are those that backends take besides. The drive has rules of its own for them (go/drive/retry.go).
var ofBackends = []string{"links", "low_level_retries", "max_connections", "use_server_modtime"}

// instead says what works in the place of a global option. rclone reads all but those above once, when its process
// begins, or for commands that are none of ours.
var instead = map[string]string{
	"transfers":            `the option "transfers"`,
	"checkers":             `the option "checkers"`,
	"tpslimit":             `the option "tpslimit"`,
	"tpslimit_burst":       `the option "tpslimit"`,
	"bwlimit":              `the option "bwlimit"`,
	"bwlimit_file":         `the option "bwlimit"`,
	"multi_thread_streams": `the option "downloads"`,
	"max_connections":      `the option "downloads" or "tpslimit"`,
	"dry_run":              "-dry-run of `plakar backup`",
	"log_level":            "RCLONE_LOG_LEVEL in the environment",
	"links":                `the option "links" of a local remote`,
}

// checkOverride refuses a global option that rclone does not have, or that does nothing for one remote; key is what the user writes.
func checkOverride(key, name string, config map[string]string) error {
	if fs.ConfigOptionsInfo.Get(name) == nil {
		return fault.New(fault.Config, "", fmt.Sprintf("option %q: rclone has no global option %q", key, name))
	}
	if slices.Contains(ofConnections, name) || (!onDrive(config) && slices.Contains(ofBackends, name)) {
		return nil
	}
	advice := "remove it; " + overridePrefix + "NAME takes " + strings.Join(ofConnections, ", ")
	if works := instead[name]; works != "" {
		advice = "write " + works + " instead"
	}
	return fault.New(fault.Config, "", fmt.Sprintf("option %q does nothing for a single remote: %s", key, advice))
}

// onDrive tells whether a remote is of OpenDrive, or wraps one that is.
func onDrive(config map[string]string) bool {
	return config["type"] == "opendrive" || strings.Contains(config["remote"], ":opendrive")
}
