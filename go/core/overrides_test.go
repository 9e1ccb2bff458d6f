package core

import (
	"strings"
	"testing"

	"github.com/rclone/rclone/fs"

	"bridge/fault"
)

// What rclone reads once for a process was accepted for one remote, and did nothing.
func TestOverridesThatDoNothingAreRefused(t *testing.T) {
	tidy(t)
	for name, works := range map[string]string{
		"bwlimit": `write the option "bwlimit"`, "tpslimit": `write the option "tpslimit"`, "transfers": `write the option "transfers"`,
		"checkers": `write the option "checkers"`, "dry_run": "-dry-run", "multi_thread_streams": `"downloads"`, "log_level": "RCLONE_LOG_LEVEL",
		"max_delete": "remove it", "size_only": "remove it", "default_time": "remove it",
	} {
		failure := refused(t, "open", m{"config": m{"type": "memory", "override." + name: "1"}}, fault.Config)
		if !strings.HasPrefix(failure.Message, `option "override.`+name+`" does nothing for a single remote`) || !strings.Contains(failure.Message, works) {
			t.Error(failure.Message)
		}
	}
	for _, config := range []m{
		{"type": "opendrive", "username": "u", "password": "x"},
		{"type": "crypt", "password": "x", "remote": ":opendrive,username=u,password=x:a"},
	} {
		config["override.low_level_retries"] = "3"
		refused(t, "open", m{"config": config}, fault.Config)
	}
	wrapped := ":crypt,password=x,remote=':memory,override.bwlimit=1M:a':"
	failure := refused(t, "open", m{"config": m{"type": "alias", "remote": wrapped}}, fault.Config)
	if !strings.HasPrefix(failure.Message, `option "remote_remote_override.bwlimit" does nothing`) {
		t.Error(failure.Message)
	}
	opened(t, map[string]string{"type": "memory", "override.low_level_retries": "3", "override.timeout": "1m"}, "x")
}

func TestOverridesOfConnectionsAreGlobalOptions(t *testing.T) {
	for _, name := range append(append([]string{}, ofConnections...), ofBackends...) {
		if fs.ConfigOptionsInfo.Get(name) == nil {
			t.Errorf("rclone has no global option %q", name)
		}
	}
	for name := range instead {
		if fs.ConfigOptionsInfo.Get(name) == nil {
			t.Errorf("rclone has no global option %q", name)
		}
	}
}

func TestLogLevels(t *testing.T) {
	for name, level := range map[string]fs.LogLevel{
		"": fs.LogLevelCritical, "NOTICE": fs.LogLevelNotice, "info": fs.LogLevelInfo, "DEBUG": fs.LogLevelDebug, "ERROR": fs.LogLevelError,
	} {
		if got, err := logLevel(name); got != level || err != nil {
			t.Error(name, got, err)
		}
	}
	if _, err := logLevel("loud"); err == nil || !strings.Contains(err.Error(), "write ERROR, NOTICE, INFO or DEBUG") {
		t.Error(err)
	}
}
