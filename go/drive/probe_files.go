package drive

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // it is what the drive has
	"encoding/hex"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// probeNoise gives bytes that no drive has yet.
func probeNoise(size int) []byte {
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	return content
}

func probeHash(content []byte) string {
	sum := md5.Sum(content) //nolint:gosec // it is what the drive has
	return hex.EncodeToString(sum[:])
}

func (r *probeReply) hasHash(content []byte) bool {
	return strings.EqualFold(r.text("FileHash"), probeHash(content))
}

// object is the body of a call, the session in it.
func (t *trial) object(members map[string]any) map[string]any {
	members["session_id"] = t.drive.id
	return members
}

// post is a call with a JSON body.
func (t *trial) post(path, about string, members map[string]any) probeCall {
	return probeCall{method: http.MethodPost, path: path + ".json", about: about, json: t.object(members)}
}

// idOf takes an id from an answer, so that it is hidden from then on.
func (t *trial) idOf(r *probeReply, keys ...string) (string, error) {
	for _, key := range keys {
		if id := r.text(key); id != "" {
			t.hidden.add(id)
			return id, nil
		}
	}
	return "", errNoID
}

func (t *trial) makeFolder(ctx context.Context, parent, name string, access int) (string, error) {
	r, err := t.prepare(ctx, t.newFolder(parent, name, "", access))
	if err != nil {
		return "", err
	}
	return t.idOf(r, "FolderID", "FolderId")
}

func (t *trial) newFolder(parent, name, about string, access int) probeCall {
	return t.post("/folder", about, map[string]any{
		"folder_name": name, "folder_sub_parent": parent, "folder_is_public": access,
		"folder_public_upl": 0, "folder_public_display": 0, "folder_public_dnl": 0,
	})
}

// newFile is the call that makes a file; of no size that is known if it is negative.
func (t *trial) newFile(folder, name, about string, size int) probeCall {
	members := map[string]any{"folder_id": folder, "file_name": name}
	if size >= 0 {
		members["file_size"] = size
	}
	return t.post("/upload/create_file", about, members)
}

func (t *trial) create(ctx context.Context, folder, name, about string, size int) (*probeReply, string, error) {
	r, err := t.prepare(ctx, t.newFile(folder, name, about, size))
	if err != nil {
		return nil, "", err
	}
	id, err := t.idOf(r, "FileId", "FileID")
	return r, id, err
}

// location takes the place of an upload from an answer.
func (t *trial) location(r *probeReply) string {
	place := r.text("TempLocation")
	t.hidden.add(place)
	return place
}

func (t *trial) open(ctx context.Context, id string, size int) (string, error) {
	r, err := t.prepare(ctx, t.post("/upload/open_file_upload", "", map[string]any{"file_id": id, "file_size": size}))
	if err != nil {
		return "", err
	}
	return t.location(r), nil
}

// chunk is the call that brings bytes, as rclone's backend makes it.
func (t *trial) chunk(id, place, about string, offset int, content []byte) probeCall {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	// A buffer takes everything.
	for _, field := range [][2]string{
		{"session_id", t.drive.id}, {"file_id", id}, {"temp_location", place},
		{"chunk_offset", strconv.Itoa(offset)}, {"chunk_size", strconv.Itoa(len(content))},
	} {
		_ = writer.WriteField(field[0], field[1])
	}
	if part, err := writer.CreateFormFile("file_data", "chunk"); err == nil {
		_, _ = part.Write(content)
	}
	_ = writer.Close()
	return probeCall{
		method: http.MethodPost, path: "/upload/upload_file_chunk.json", about: about,
		body: form.Bytes(), contentType: writer.FormDataContentType(),
	}
}

func (t *trial) closing(id, place, about string, size int, more map[string]any) probeCall {
	members := map[string]any{"file_id": id, "file_size": size, "temp_location": place}
	for key, value := range more {
		members[key] = value
	}
	return t.post("/upload/close_file_upload", about, members)
}

func (t *trial) info(id string) probeCall {
	return probeCall{method: http.MethodGet, path: "/file/info.json/" + url.PathEscape(id), query: url.Values{"session_id": {t.drive.id}}}
}

// fill gives a file its content by the way that is known to work, and the answer of the close.
func (t *trial) fill(ctx context.Context, id, about string, content []byte, more map[string]any) (*probeReply, error) {
	place, err := t.open(ctx, id, len(content))
	if err != nil {
		return nil, err
	}
	if len(content) > 0 {
		if _, err = t.prepare(ctx, t.chunk(id, place, "", 0, content)); err != nil {
			return nil, err
		}
	}
	return t.prepare(ctx, t.closing(id, place, about, len(content), more))
}

// store makes a file with content.
func (t *trial) store(ctx context.Context, folder, name, about string, content []byte, more map[string]any) (id string, closed *probeReply, err error) {
	if _, id, err = t.create(ctx, folder, name, "", -1); err == nil {
		closed, err = t.fill(ctx, id, about, content, more)
	}
	return id, closed, err
}
