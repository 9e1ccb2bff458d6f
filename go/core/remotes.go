package core

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/config/configstruct"
	"github.com/rclone/rclone/fs/fspath"
	"github.com/rclone/rclone/fs/hash"

	"bridge/drive"
	"bridge/fault"
	"bridge/guards"
)

var remotes = newTable[*remote]("remote", maxRemotes)

// remote is an open backend at a base path. Its context ends when it is closed, and with it
// whatever runs on it.
type remote struct {
	fs     fs.Fs
	ctx    context.Context
	cancel context.CancelFunc
	// hash is the type of hash that the backend has at hand for every object, hash.None if it
	// has none or would have to read the whole object for it.
	hash hash.Type
	// entries serialises what checks for a name and then creates it: whoever has put something
	// in may. A channel, unlike a mutex, can be waited for until the call is cancelled.
	entries chan struct{}
	// probe is what probes the remote, nil if nothing does.
	probe atomic.Pointer[drive.Probe]
	// line is set where large files are read over several connections.
	line *drive.Line
}

type openIn struct {
	// Name is what the remote is called in messages.
	Name string `json:"name"`
	// Config is the remote's section of an rclone configuration, "type" included.
	Config map[string]string `json:"config"`
	// Plain names the password options that Config holds in plain text, not obscured.
	Plain []string `json:"plain"`
	// Path is the base path, empty for the root.
	Path string `json:"path"`
	// Downloads is how many downloads there may be at once, where the backend bounds them; 0 for its default.
	Downloads int `json:"downloads"`
	// Certain asks for an error if the base is there twice.
	Certain bool   `json:"certain"`
	Call    uint64 `json:"call"`
}

type openOut struct {
	Remote  uint64 `json:"remote"`
	Backend string `json:"backend"`
	// Hash names the hash that entries carry, "" if they have none.
	Hash            string `json:"hash"`
	CaseInsensitive bool   `json:"caseInsensitive"`
	EmptyFolders    bool   `json:"emptyFolders"`
	// PrecisionNs is the precision of modification times in nanoseconds.
	PrecisionNs int64 `json:"precisionNs"`
	// Downloads is how many downloads there may be at once; 0 where the backend does not bound them.
	Downloads int `json:"downloads"`
	// Encrypted tells that a password is needed to read what is there, beside that of a login.
	Encrypted bool `json:"encrypted"`
	// Limits are what the remote cannot tell of, a sentence each.
	Limits []string `json:"limits"`
}

type remoteIn struct {
	Remote uint64 `json:"remote"`
	Call   uint64 `json:"call"`
}

type empty struct{}

func init() {
	register(Prefix+"open", open)         // open a remote from a config map
	register(Prefix+"close", closeRemote) // close a remote and everything open on it
	register(Prefix+"about", about)       // tell the quota of a remote
	register(Prefix+"backends", backends) // list the backends that are built in
}

func open(ctx context.Context, in openIn) (openOut, error) {
	guards.Install()
	info, options, overrides, err := prepareConfig(in)
	if err != nil {
		return openOut{}, err
	}
	call, done, err := beginCall(ctx, in.Call)
	if err != nil {
		return openOut{}, err
	}
	defer done()
	// A backend keeps its context, to renew a token for example (TokenSource in rclone's lib/oauthutil): so it does not end with this call, only
	// if that is cancelled. What others wrap is opened in a context of its own, by rclone's cache.
	ctx, cancel := context.WithCancel(context.WithoutCancel(call))
	defer context.AfterFunc(call, cancel)()

	// The transport that the backend makes for itself takes rclone's global options from the context.
	ctx, opened := drive.WithOpening(ctx, drive.Opening{Downloads: in.Downloads, Certain: in.Certain})
	defer opened()
	ci := fs.GetConfig(ctx)
	if err := configstruct.Set(overrides, ci); err != nil {
		return openOut{}, fault.New(fault.Config, "", fault.Message(err))
	}
	if err := checkAuthorities(ci); err != nil {
		return openOut{}, err
	}
	for _, value := range options {
		fault.KeepSecretsIn(value)
	}
	f, err := drive.Open(ctx, info, in.Name, standardPath(in.Path), options)
	if err != nil {
		return openOut{}, err
	}
	r := &remote{fs: f, hash: quickHash(f), entries: make(chan struct{}, 1), line: drive.LineOf(f)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	handle, err := remotes.add(r)
	if err != nil {
		r.close()
		return openOut{}, err
	}
	out := openOut{
		Remote:          handle,
		Backend:         info.Name,
		CaseInsensitive: f.Features().CaseInsensitive,
		EmptyFolders:    f.Features().CanHaveEmptyDirectories,
		PrecisionNs:     int64(f.Precision()),
		Encrypted:       drive.Encrypted(f),
		Limits:          guards.Limits(f),
	}
	if r.hash != hash.None {
		out.Hash = r.hash.String()
	}
	if r.line != nil {
		out.Downloads = r.line.Downloads()
	}
	return out, nil
}

// hiddenValue is what rclone shows of a password where it is asked for one remote (printRemoteOptions in fs/config/ui.go).
const hiddenValue = "*** ENCRYPTED ***"

// prepareConfig checks a remote's configuration and gives the backend's options as it wants them,
// passwords obscured, and the global options to override.
func prepareConfig(in openIn) (info *fs.RegInfo, options, overrides configmap.Simple, err error) {
	backend := in.Config["type"]
	if backend == "" {
		return nil, nil, nil, fault.New(fault.Config, "", `option "type" is missing: set it to the name of a backend, for example "opendrive"`)
	}
	if info, err = builtIn("type", backend); err != nil {
		return nil, nil, nil, err
	}
	options, overrides = configmap.Simple{}, configmap.Simple{}
	for key, value := range in.Config {
		if key == "type" || key == "description" {
			continue
		}
		if name, ok := strings.CutPrefix(key, overridePrefix); ok {
			if err := checkOverride(key, name, in.Config); err != nil {
				return nil, nil, nil, err
			}
			overrides[name] = value
			continue
		}
		option := info.Options.Get(key)
		if option == nil {
			return nil, nil, nil, fault.New(fault.Config, "", fmt.Sprintf("unknown option %q for backend %q: it takes %s", key, backend, optionNames(info)))
		}
		if value == hiddenValue {
			return nil, nil, nil, fault.New(fault.Config, "", fmt.Sprintf("option %q is %s, which `rclone config show NAME` prints in the place of a password: leave the name out, `rclone config show` prints it", key, hiddenValue))
		}
		if option.IsPassword && value != "" {
			if value, err = fault.Obscured(value, slices.Contains(in.Plain, key)); err != nil {
				return nil, nil, nil, fault.New(fault.Config, "", fmt.Sprintf(`option %q is not an obscured password: take it from "rclone config show" or "rclone obscure"`, key))
			}
		} else if fault.IsSecret(option) {
			fault.KeepSecret(value)
		}
		// An empty value means the default.
		if err := option.Copy().Set(value); err != nil && value != "" {
			return nil, nil, nil, fault.New(fault.Config, "", fmt.Sprintf("option %q has a bad value: %s", key, fault.Message(err)))
		}
		if err := checkWrapped("", key, value); err != nil {
			return nil, nil, nil, err
		}
		options[key] = value
	}
	all := fs.ConfigMap(info.Prefix, info.Options, "", options)
	for _, option := range info.Options {
		if value, _ := all.Get(option.Name); option.Required && value == "" {
			return nil, nil, nil, fault.New(fault.Config, "", fmt.Sprintf("option %q is missing: backend %q needs it", option.Name, backend))
		}
	}
	return info, options, overrides, nil
}

// builtIn finds a backend; option is where it is named.
func builtIn(option, backend string) (*fs.RegInfo, error) {
	info, err := fs.Find(backend)
	if err != nil {
		return nil, fault.New(fault.Config, "", fmt.Sprintf("option %q: backend %q is not built in; this build has %s%s", option, backend, strings.Join(backendNames(), ", "), moreBackends))
	}
	return info, nil
}

// checkWrapped checks the backends and the overrides of remotes that are written out in an option (":crypt,remote=…:path"). The
// keys of each begin with "remote_" where the user writes them.
func checkWrapped(prefix, option, value string) error {
	parsed, err := fspath.Parse(value)
	backend, ok := strings.CutPrefix(parsed.Name, ":")
	if err != nil || !ok || option != "remote" {
		return nil
	}
	if _, err := builtIn(option, backend); err != nil {
		return err
	}
	prefix += "remote_"
	config := configmap.Simple{}
	for key, value := range parsed.Config {
		config[key] = value
	}
	config["type"] = backend
	for key := range parsed.Config {
		if name, ok := strings.CutPrefix(key, overridePrefix); ok {
			if err := checkOverride(prefix+key, name, config); err != nil {
				return err
			}
		}
	}
	return checkWrapped(prefix, option, parsed.Config["remote"])
}

func optionNames(info *fs.RegInfo) string {
	names := []string{}
	for _, option := range info.Options {
		names = append(names, option.Name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func backendNames() []string {
	names := []string{}
	for _, info := range fs.Registry {
		names = append(names, info.Name)
	}
	slices.Sort(names)
	return names
}

type backendsOut struct {
	Backends []string `json:"backends"`
}

func backends(context.Context, empty) (backendsOut, error) {
	return backendsOut{backendNames()}, nil
}

// quickHash is the hash that costs nothing: MD5 if the backend has it, else any other.
func quickHash(f fs.Info) hash.Type {
	if f.Features().SlowHash {
		return hash.None
	}
	if f.Hashes().Contains(hash.MD5) {
		return hash.MD5
	}
	return f.Hashes().GetOne()
}

func closeRemote(_ context.Context, in remoteIn) (empty, error) {
	r, err := remotes.remove(in.Remote)
	if err != nil {
		return empty{}, err
	}
	r.close()
	return empty{}, nil
}

// close ends what runs on the remote and drops what is open on it; call when its handle is gone.
func (r *remote) close() {
	r.cancel()
	objects.removeIf(func(o *keptObject) bool { return o.remote == r })
	for _, stream := range streams.removeIf(func(s stream) bool { return s.on(r) }) {
		stream.close()
	}
	drive.Shutdown(r.fs)
	drive.HangUp(r.fs)
	// What was cancelled just now may still hold its connection.
	time.AfterFunc(time.Second, func() { drive.HangUp(r.fs) })
}

// begin starts a call on a remote: its context ends with the call, with the remote, or by
// bridge/cancel.
func begin(remoteHandle, call uint64) (r *remote, ctx context.Context, done func(), err error) {
	if r, err = remotes.get(remoteHandle); err != nil {
		return nil, nil, nil, err
	}
	ctx, done, err = beginCall(r.ctx, call)
	return r, ctx, done, err
}

type aboutOut struct {
	// Total, Used and Free are bytes; absent if the backend does not know.
	Total *int64 `json:"total,omitempty"`
	Used  *int64 `json:"used,omitempty"`
	Free  *int64 `json:"free,omitempty"`
}

func about(_ context.Context, in remoteIn) (aboutOut, error) {
	r, ctx, done, err := begin(in.Remote, in.Call)
	if err != nil {
		return aboutOut{}, err
	}
	defer done()
	do := r.fs.Features().About
	if do == nil {
		return aboutOut{}, fault.New(fault.Unsupported, "", "the backend does not tell its quota")
	}
	usage, err := do(ctx)
	if err != nil {
		return aboutOut{}, err
	}
	return aboutOut{Total: usage.Total, Used: usage.Used, Free: usage.Free}, nil
}
