package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/log"
	_ "github.com/rclone/rclone/fs/operations" // the operations/* calls
	"github.com/rclone/rclone/librclone/librclone"

	"bridge/fault"
	"bridge/quiet"
)

// Prefix is what the names of our own rc calls begin with.
const Prefix = "bridge/"

// Initialize prepares rclone for use as a library: logs on standard error, configuration in
// memory only.
func Initialize() {
	// The path is a constant that cannot fail; an empty one keeps the configuration in memory.
	_ = config.SetConfigPath("")
	librclone.Initialize()
	log.Handler.SetOutput(fault.LogRedacted)
	// A log line that nobody reads any more must not end the process: Go would do that for standard
	// error (os.File.Write), whatever the program around it has decided about the signal.
	signal.Ignore(syscall.SIGPIPE)
	level, err := logLevel(quiet.LogLevel)
	fs.GetConfig(context.Background()).LogLevel = level
	log.Handler.SetLevel(fs.LogLevelToSlog(level))
	if err != nil {
		fs.Logf(nil, "%v", err)
	}
	followRule(os.Getenv("TZ"))
}

// logLevel is the level of a name; without one rclone is silent, because whatever fails comes back as an error. As a
// library rclone heeds no level but DEBUG (InitialLogLevel in fs/config.go).
func logLevel(name string) (level fs.LogLevel, err error) {
	if name == "" {
		return fs.LogLevelCritical, nil
	}
	if err := level.Set(strings.ToUpper(name)); err != nil {
		return fs.LogLevelNotice, fmt.Errorf("RCLONE_LOG_LEVEL is %q: write ERROR, NOTICE, INFO or DEBUG", name)
	}
	return level, nil
}

type callFn func(ctx context.Context, input []byte) (any, error)

// calls are the calls of ours by name. They do not go through rclone's job manager, which would keep
// every answer, listings of many thousand entries included, for a minute after the call.
var calls = map[string]callFn{}

// register adds a call of ours, with typed input and output.
func register[In, Out any](name string, fn func(ctx context.Context, in In) (Out, error)) {
	calls[name] = func(ctx context.Context, input []byte) (any, error) {
		var in In
		decoder := json.NewDecoder(bytes.NewReader(input))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&in)
		if err == nil {
			// One value and no more: what follows must be the end.
			if _, err = decoder.Token(); err == nil {
				err = errors.New("more than one JSON value")
			}
		}
		if err != io.EOF {
			return nil, fault.New(fault.Config, "", fmt.Sprintf("%s: bad input: %v", name, err))
		}
		return fn(ctx, in)
	}
}

// RPC runs a call and gives its answer as JSON with an HTTP status (200 is success). An error
// of one of our calls is an Error; librclone's own calls answer as librclone does.
func RPC(method, input string) (output string, status int) {
	call, ours := calls[method]
	if !ours {
		return librclone.RPC(method, input)
	}
	defer func() {
		if cause := recover(); cause != nil {
			output, status = fault.Recovered(cause).JSON(), http.StatusInternalServerError
		}
	}()
	reply, err := call(context.Background(), []byte(input))
	if err != nil {
		return fault.As(err, "").JSON(), http.StatusInternalServerError
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(reply); err != nil {
		return fault.As(err, "").JSON(), http.StatusInternalServerError
	}
	return text.String(), http.StatusOK
}
