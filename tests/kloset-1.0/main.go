// The backup engine of Plakar 1.0 with a plugin at the other end: kloset and integration-grpc, which are
// what Plakar 1.0 speaks with a plugin through. It is not Plakar itself, whose 1.0 versions the Go proxy
// does not give out: there are no packages, no configuration and no daemon here.
//
//	kloset-1.0 SETTINGS.json create
//	kloset-1.0 SETTINGS.json backup          prints the snapshot's id and the number of errors
//	kloset-1.0 SETTINGS.json snapshots       prints the ids of all
//	kloset-1.0 SETTINGS.json sync            copies what the peer has and the store does not
//	kloset-1.0 SETTINGS.json rm|ls|check ID
//	kloset-1.0 SETTINGS.json cat ID PATH
//	kloset-1.0 SETTINGS.json restore ID [PATH]
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/caching/pebble"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/PlakarKorp/kloset/snapshot/exporter"
	"github.com/PlakarKorp/kloset/snapshot/importer"
	"github.com/PlakarKorp/kloset/storage"
	"github.com/PlakarKorp/kloset/versioning"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type settings struct {
	// Program and the arguments that follow the name of the connector.
	Plugin []string
	// Where caches are kept from run to run.
	Cache                      string
	Concurrency                int
	Source, Destination, Store map[string]string
	// Another store, to copy from.
	Peer map[string]string
}

type host struct {
	settings
	ctx     *kcontext.KContext
	plugins []*pipes
}

// pipes are a plugin's standard input and output.
type pipes struct {
	io.Reader
	io.WriteCloser
	command *exec.Cmd
	once    sync.Once
}

func (p *pipes) Close() (err error) {
	p.once.Do(func() {
		p.WriteCloser.Close()
		err = p.command.Wait()
	})
	return err
}

func (p *pipes) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "stdio", Net: "unix"} }
func (p *pipes) RemoteAddr() net.Addr             { return p.LocalAddr() }
func (p *pipes) SetDeadline(time.Time) error      { return nil }
func (p *pipes) SetReadDeadline(time.Time) error  { return nil }
func (p *pipes) SetWriteDeadline(time.Time) error { return nil }

func (h *host) plugin(connector string) (grpc.ClientConnInterface, error) {
	command := exec.Command(h.Plugin[0], append([]string{connector}, h.Plugin[1:]...)...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &pipes{Reader: out, WriteCloser: in, command: command}
	h.plugins = append(h.plugins, p)
	dial := func(context.Context, string) (net.Conn, error) { return p, nil }
	return grpc.NewClient("127.0.0.1:0", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dial))
}

func (h *host) newStore(configuration map[string]string) (storage.Store, error) {
	connection, err := h.plugin("storage")
	if err != nil {
		return nil, err
	}
	return gstorage.NewStorage(h.ctx, connection, "rclone", configuration)
}

func (h *host) create() error {
	store, err := h.newStore(h.Store)
	if err != nil {
		return err
	}
	configuration := storage.NewConfiguration()
	configuration.Encryption = nil
	plain, err := configuration.ToBytes()
	if err != nil {
		return err
	}
	version := versioning.GetCurrentVersion(resources.RT_CONFIG)
	wrapped, err := storage.Serialize(hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM), resources.RT_CONFIG, version, bytes.NewReader(plain))
	if err != nil {
		return err
	}
	description, err := io.ReadAll(wrapped)
	if err != nil {
		return err
	}
	return errors.Join(store.Create(h.ctx, description), store.Close(h.ctx))
}

func (h *host) open(configuration map[string]string) (*repository.Repository, error) {
	store, err := h.newStore(configuration)
	if err != nil {
		return nil, err
	}
	description, err := store.Open(h.ctx)
	if err != nil {
		return nil, err
	}
	return repository.New(h.ctx, nil, store, description)
}

func (h *host) backup(repo *repository.Repository) error {
	connection, err := h.plugin("importer")
	if err != nil {
		return err
	}
	options := &importer.Options{Hostname: "here", OperatingSystem: "linux", Architecture: "amd64", CWD: "/", MaxConcurrency: h.Concurrency}
	source, err := gimporter.NewImporter(h.ctx, connection, options, "rclone", h.Source)
	if err != nil {
		return err
	}
	defer source.Close(h.ctx)
	snap, err := snapshot.Create(repo, repository.DefaultType, "", objects.NilMac)
	if err != nil {
		return err
	}
	defer snap.Close()
	if err := snap.Backup(source, &snapshot.BackupOptions{MaxConcurrency: uint64(h.Concurrency)}); err != nil {
		return err
	}
	summary := snap.Header.GetSource(0).Summary
	fmt.Printf("%x %d\n", snap.Header.Identifier[:], summary.Directory.Errors+summary.Below.Errors)
	return nil
}

// sync copies as Plakar does: a copy has the id of what it is copied from, and its state is named after it.
func (h *host) sync(repo *repository.Repository) error {
	peer, err := h.open(h.Peer)
	if err != nil {
		return err
	}
	defer peer.Close()
	there := map[objects.MAC]bool{}
	for id := range repo.ListSnapshots() {
		there[id] = true
	}
	for id := range peer.ListSnapshots() {
		if there[id] {
			continue
		}
		if err := copySnapshot(peer, repo, id); err != nil {
			return err
		}
	}
	return nil
}

func copySnapshot(from, to *repository.Repository, id objects.MAC) error {
	original, err := snapshot.Load(from, id)
	if err != nil {
		return err
	}
	defer original.Close()
	copied, err := snapshot.Create(to, repository.DefaultType, "", id)
	if err != nil {
		return err
	}
	defer copied.Close()
	copied.Header = original.Header
	return original.Synchronize(copied, true)
}

func (h *host) restore(snap *snapshot.Snapshot, path string) error {
	connection, err := h.plugin("exporter")
	if err != nil {
		return err
	}
	options := &exporter.Options{MaxConcurrency: uint64(h.Concurrency)}
	destination, err := gexporter.NewExporter(h.ctx, connection, options, "rclone", h.Destination)
	if err != nil {
		return err
	}
	root, err := destination.Root(h.ctx)
	if err != nil {
		return err
	}
	err = snap.Restore(destination, root, path, &snapshot.RestoreOptions{MaxConcurrency: uint64(h.Concurrency), Strip: snap.Header.GetSource(0).Importer.Directory})
	return errors.Join(err, destination.Close(h.ctx))
}

func (h *host) read(snap *snapshot.Snapshot, command, path string) error {
	fs, err := snap.Filesystem()
	if err != nil {
		return err
	}
	if command == "cat" {
		file, err := snapshot.NewReader(snap, path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(os.Stdout, file)
		return err
	}
	for entry, err := range fs.Files("/") {
		if err != nil {
			return err
		}
		fmt.Println(entry.Path(), entry.Size(), entry.Stat().ModTime().Unix())
	}
	failed, err := fs.Errors("/")
	if err != nil {
		return err
	}
	for entry, err := range failed {
		if err != nil {
			return err
		}
		fmt.Println("error:", entry.Name, entry.Error)
	}
	return nil
}

func (h *host) run(command string, arguments []string) error {
	if command == "create" {
		return h.create()
	}
	repo, err := h.open(h.Store)
	if err != nil {
		return err
	}
	defer repo.Close()
	switch command {
	case "backup":
		return h.backup(repo)
	case "sync":
		return h.sync(repo)
	case "snapshots":
		for id := range repo.ListSnapshots() {
			fmt.Printf("%x\n", id[:])
		}
		return nil
	}
	id, err := hex.DecodeString(arguments[0])
	if err != nil || len(id) != 32 {
		return fmt.Errorf("%q is no id of a snapshot", arguments[0])
	}
	if command == "rm" {
		return repo.DeleteSnapshot(objects.MAC(id))
	}
	snap, err := snapshot.Load(repo, objects.MAC(id))
	if err != nil {
		return err
	}
	defer snap.Close()
	path := "/"
	if len(arguments) > 1 {
		path = arguments[1]
	}
	switch command {
	case "check":
		cache, err := h.ctx.GetCache().Check()
		if err != nil {
			return err
		}
		defer cache.Close()
		snap.SetCheckCache(cache)
		return snap.Check(path, &snapshot.CheckOptions{})
	case "restore":
		return h.restore(snap, path)
	default:
		return h.read(snap, command, path)
	}
}

func main() {
	h := &host{ctx: kcontext.NewKContext()}
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &h.settings)
	}
	if err == nil {
		h.ctx.SetLogger(logging.NewLogger(os.Stderr, os.Stderr))
		h.ctx.SetCache(caching.NewManager(pebble.Constructor(h.Cache)))
		h.ctx.MaxConcurrency = h.Concurrency
		said := report(h.ctx)
		err = h.run(os.Args[2], os.Args[3:])
		for _, plugin := range h.plugins {
			err = errors.Join(err, plugin.Close())
		}
		h.ctx.GetCache().Close()
		h.ctx.Events().Close()
		<-said
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kloset-1.0:", err)
		os.Exit(1)
	}
}

// report says every error of an entry, as Plakar does, until there are no more events.
func report(ctx *kcontext.KContext) <-chan struct{} {
	events, said := ctx.Events().Listen(), make(chan struct{})
	go func() {
		defer close(said)
		for event := range events {
			if message, ok := event.Data["error"]; ok {
				fmt.Fprintf(os.Stderr, "%v: %v\n", event.Data["path"], message)
			}
		}
	}()
	return said
}
