package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// number is a number as the drive writes it: one, or a string of digits, or a truth value. What is none counts as 0.
type number int64

func (n *number) UnmarshalJSON(data []byte) error {
	written := string(bytes.Trim(data, `" `))
	*n = 0
	if whole, err := strconv.ParseInt(written, 10, 64); err == nil {
		*n = number(whole)
	} else if value, err := strconv.ParseFloat(written, 64); err == nil {
		*n = number(value)
	} else if written == "true" {
		*n = 1
	}
	return nil
}

// text is a string that the drive may write as a number, as it does with ids.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	if string(data) != "null" {
		*t = text(data)
	}
	return nil
}

// record is what the drive says of a file. Not every call answers with all of it.
type record struct {
	ID           text    `json:"FileId"`
	Name         *string `json:"Name"`
	Size         *number `json:"Size"`
	Hash         *string `json:"FileHash"`
	DateModified *number `json:"DateModified"`
	Access       *number `json:"Access"`
}

// emptyMD5 is the MD5 of no bytes.
const emptyMD5 = "d41d8cd98f00b204e9800998ecf8427e"

// holds tells whether a record is that of a whole file of a size and a hash. Of an empty one the drive may have no hash.
func (r *record) holds(size int64, md5 string) bool {
	if r.Size == nil || int64(*r.Size) != size || r.Hash == nil {
		return false
	}
	return strings.EqualFold(*r.Hash, md5) || (size == 0 && *r.Hash == "")
}

// merge adds what a later answer says.
func (r *record) merge(later *record) {
	if later.ID != "" {
		r.ID = later.ID
	}
	for _, pair := range []struct{ to, from **number }{
		{&r.Size, &later.Size}, {&r.DateModified, &later.DateModified}, {&r.Access, &later.Access},
	} {
		if *pair.from != nil {
			*pair.to = *pair.from
		}
	}
	if later.Name != nil {
		r.Name = later.Name
	}
	if later.Hash != nil {
		r.Hash = later.Hash
	}
}

// info asks for the record of a file.
func (d *Drive) info(ctx context.Context, id string) (*record, error) {
	found := new(record)
	_, err := d.call(ctx, d.infoOf(id), nil, found)
	return found, err
}

func (d *Drive) infoOf(id string) *rest.Opts {
	return &rest.Opts{Method: http.MethodGet, Path: "/file/info.json/" + url.PathEscape(id) + "?session_id=" + d.id}
}

// SameAsListed gives an error unless the drive still has what it listed of a file. It asks once, for a file of a remote that wraps a
// drive and has no hash of its own, as crypt. Of a file that was listed without a hash only the size can tell.
func SameAsListed(ctx context.Context, o fs.Object) error {
	inner, ok := fs.UnWrapObject(o).(*opendrive.Object)
	if !ok {
		return nil
	}
	remote, ok := inner.Fs().(*opendrive.Fs)
	if !ok {
		return nil
	}
	d, err := of(remote)
	if err != nil {
		return err
	}
	sum, err := inner.Hash(ctx, hash.MD5)
	if err != nil {
		return err
	}
	now, err := d.info(ctx, inner.ID())
	switch {
	case err != nil && fault.As(err, "").Kind != fault.NotFound:
		return err
	case err == nil && sum == "" && now.Size != nil && int64(*now.Size) == inner.Size():
		return nil
	case err == nil && now.holds(inner.Size(), sum):
		return nil
	}
	return fault.New(fault.Corrupt, o.Remote(), "changed while it was read: the drive has another content by now")
}

// namesakes are the folders and files in a folder whose names pass for one.
type namesakes struct {
	same    func(stored string) bool
	folders []folderRecord
	files   []fileRecord
}

func (n *namesakes) folder(r *folderRecord) error {
	// What is added meanwhile moves entries on to the next page of a listing: one may come twice.
	if n.same(r.Name) && !slices.ContainsFunc(n.folders, func(known folderRecord) bool { return known.ID == r.ID }) {
		n.folders = append(n.folders, *r)
	}
	return nil
}

func (n *namesakes) file(r *fileRecord) error {
	if n.same(r.Name) && !slices.ContainsFunc(n.files, func(known fileRecord) bool { return known.ID == r.ID }) {
		n.files = append(n.files, *r)
	}
	return nil
}

func (n *namesakes) mark() (undo func()) {
	folders, files := len(n.folders), len(n.files)
	return func() { n.folders, n.files = n.folders[:folders], n.files[:files] }
}

// namesakes looks for what has a name in the folder of an id.
func (d *Drive) namesakes(ctx context.Context, folder string, same func(string) bool) (*namesakes, error) {
	found := &namesakes{same: same}
	return found, d.scan(ctx, folder, nil, found)
}

// folderNamesakes is the same for folders only.
func (d *Drive) folderNamesakes(ctx context.Context, folder string, same func(string) bool) (*namesakes, error) {
	found := &namesakes{same: same}
	return found, d.scan(ctx, folder, url.Values{"only_subfolders": {"1"}}, found)
}

// id gives the id of the first folder, "" if there is none.
func (n *namesakes) id() string {
	if len(n.folders) == 0 {
		return ""
	}
	return string(n.folders[0].ID)
}

// alone is an error that names both if there are two folders of the name: who goes by it gets either.
func (n *namesakes) alone() error {
	if len(n.folders) < 2 {
		return nil
	}
	first, second := n.folders[0], n.folders[1]
	return fault.New(fault.Other, "", fmt.Sprintf(
		"the drive has two folders of one name side by side, %q (id %s) and %q (id %s): rename or remove one of them",
		first.Name, first.ID, second.Name, second.ID))
}
