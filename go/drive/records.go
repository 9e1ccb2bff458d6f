package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

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

// listing is what is in a folder, as far as we need it.
type listing struct {
	Folders []struct {
		ID   text   `json:"FolderID"`
		Name string `json:"Name"`
	}
	Files []record
}

func (d *Drive) list(ctx context.Context, folder string) (*listing, error) {
	return d.listed(ctx, folder, nil)
}

// subfolders lists the folders in a folder.
func (d *Drive) subfolders(ctx context.Context, folder string) (*listing, error) {
	return d.listed(ctx, folder, url.Values{"only_subfolders": {"1"}})
}

func (d *Drive) listed(ctx context.Context, folder string, what url.Values) (*listing, error) {
	found := new(listing)
	_, err := d.call(ctx, &rest.Opts{Method: http.MethodGet, Path: listingPath + d.id + "/" + url.PathEscape(folder), Parameters: what}, nil, found)
	return found, err
}

// folder gives the id of the folder of a name, "" if there is none.
func (l *listing) folder(same func(string) bool) string {
	for _, folder := range l.Folders {
		if same(folder.Name) {
			return string(folder.ID)
		}
	}
	return ""
}

// alone is an error that names both if there are two folders of a name: who goes by it gets either.
func (l *listing) alone(same func(string) bool) error {
	var first *string
	var id text
	for at := range l.Folders {
		folder := &l.Folders[at]
		switch {
		case !same(folder.Name):
		case first == nil:
			first, id = &folder.Name, folder.ID
		default:
			return fault.New(fault.Other, "", fmt.Sprintf(
				"the drive has two folders of one name side by side, %q (id %s) and %q (id %s): rename or remove one of them",
				*first, id, folder.Name, folder.ID))
		}
	}
	return nil
}

// file gives the file of a name, nil if there is none.
func (l *listing) file(same func(string) bool) *record {
	for at := range l.Files {
		if file := &l.Files[at]; file.Name != nil && same(*file.Name) {
			return file
		}
	}
	return nil
}
