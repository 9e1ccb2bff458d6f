package drive

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // it is what the drive has
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync/atomic"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// archivePath is the call that gives a folder as one zip. Of a list of files it gives an empty one (both seen in 2026).
const archivePath = "/download/all.json"

// maxArchive bounds such a zip, and what is unpacked of it, in bytes.
const maxArchive = 32 << 20

// Gather downloads a folder of an OpenDrive remote in one call, and gives the content of those of the files that are whole in it: each is what
// the listing said by size and MD5. What is missing or differs is left out, so a drive that has no such call costs one call and nothing
// else.
func Gather(ctx context.Context, f fs.Fs, dir string, files []fs.Object) ([][]byte, error) {
	remote, ok := f.(*opendrive.Fs)
	if !ok {
		return nil, fault.New(fault.Unsupported, dir, "the backend does not give a folder in one piece")
	}
	d, err := of(remote)
	if err != nil {
		return nil, err
	}
	id, err := d.dirs().FindDir(ctx, dir, false)
	if err != nil {
		return nil, err
	}
	packed, err := d.archive(ctx, id)
	if err != nil {
		return nil, err
	}
	found, err := unpacked(packed)
	if err != nil {
		return nil, err
	}
	contents := make([][]byte, len(files))
	for at, file := range files {
		name, err := d.stored(path.Base(file.Remote()))
		if err != nil {
			continue
		}
		content, there := found[name]
		want, err := file.Hash(ctx, hash.MD5)
		if !there || err != nil || int64(len(content)) != file.Size() {
			continue
		}
		sum := md5.Sum(content) //nolint:gosec // it is what the drive has
		if strings.EqualFold(hex.EncodeToString(sum[:]), want) {
			contents[at] = content
		}
	}
	return contents, nil
}

// archive asks for the zip of a folder, once: whoever wants the files can have them one by one.
func (d *Drive) archive(ctx context.Context, folder string) (packed []byte, err error) {
	// It is a download, of which an address may have six.
	urgent := new(atomic.Bool)
	urgent.Store(true)
	place, err := d.downloads.line.budget.take(ctx, &Want{Urgent: urgent})
	if err != nil {
		return nil, err
	}
	defer place.end()
	request := struct {
		Session string `json:"session_id"`
		Folders string `json:"folders"`
	}{d.id, folder}
	err = d.pacer.CallNoRetry(func() (bool, error) {
		body, err := json.Marshal(request)
		if err != nil {
			return false, err
		}
		resp, err := d.client.Call(ctx, &rest.Opts{Method: http.MethodPost, Path: archivePath, Body: bytes.NewReader(body), ContentType: "application/json"})
		if err != nil {
			return false, err
		}
		defer func() { _ = resp.Body.Close() }()
		packed, err = io.ReadAll(resp.Body)
		return false, err
	})
	return packed, err
}

// unpacked gives the files of a zip by their names, without the folders that they are in.
func unpacked(packed []byte) (map[string][]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("the drive's answer is not a zip of the folder: %w", err)
	}
	found := make(map[string][]byte, len(archive.File))
	left := int64(maxArchive)
	for _, file := range archive.File {
		if file.FileInfo().IsDir() {
			continue
		}
		content, err := unpackedFile(file, left)
		if err != nil {
			return nil, err
		}
		left -= int64(len(content))
		found[path.Base(file.Name)] = content
	}
	return found, nil
}

func unpackedFile(file *zip.File, limit int64) ([]byte, error) {
	reader, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	content, err := io.ReadAll(io.LimitReader(reader, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fault.New(fault.Other, "", fmt.Sprintf("the drive's zip of the folder has more than %d MiB in it", maxArchive>>20))
	}
	return content, err
}
