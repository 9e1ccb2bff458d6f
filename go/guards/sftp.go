package guards

import (
	"context"
	"io"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/hash"

	"bridge/fault"
)

// guardSftp keeps pipes, sockets, devices and links that cannot be followed from being opened. The SFTP backend lists them as files, and rclone's
// commands pass over them (Storable): a server that opens a pipe (OpenSSH's does) waits for somebody who writes into it, for ever.
func guardSftp(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := open(ctx, name, root, config)
		if f == nil {
			return nil, err
		}
		return sftpRemote{before(f)}, err
	}
}

// sftpRemote is an SFTP remote of which only regular files are opened.
type sftpRemote struct{ guarded }

func (s sftpRemote) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := s.Fs.List(ctx, dir)
	for at, entry := range entries {
		if o, isObject := entry.(fs.Object); isObject {
			entries[at] = ifRegular(o)
		}
	}
	return entries, err
}

func (s sftpRemote) NewObject(ctx context.Context, path string) (fs.Object, error) {
	o, err := s.Fs.NewObject(ctx, path)
	if err != nil {
		return nil, err
	}
	return ifRegular(o), nil
}

func ifRegular(o fs.Object) fs.Object {
	if o.Storable() {
		return o
	}
	return noFile{o}
}

// noFile is what is listed as a file and is none.
type noFile struct{ fs.Object }

func (noFile) Open(context.Context, ...fs.OpenOption) (io.ReadCloser, error) {
	return nil, noFileError()
}

// Hash would have the server read it, for ever.
func (noFile) Hash(context.Context, hash.Type) (string, error) { return "", noFileError() }

func noFileError() error {
	return fault.New(fault.Other, "", "is no regular file, but a pipe, a socket, a device, or a link that cannot be followed")
}
