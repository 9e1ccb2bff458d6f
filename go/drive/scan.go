package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// folderRecord is what the drive says of a folder in a listing.
type folderRecord struct {
	ID           text   `json:"FolderID"`
	Name         string `json:"Name"`
	DateModified whole  `json:"DateModified"`
}

// fileRecord is what it says of a file in a listing.
type fileRecord struct {
	ID           text   `json:"FileId"`
	Name         string `json:"Name"`
	Size         whole  `json:"Size"`
	Hash         string `json:"FileHash"`
	DateModified whole  `json:"DateModified"`
}

// whole is a whole number, or a string of its digits. What is neither is no size and no time to go by: it spoils the listing.
type whole int64

func (w *whole) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	value, err := strconv.ParseInt(string(bytes.Trim(data, `"`)), 10, 64)
	if err != nil {
		kind := "value"
		if data[0] == '"' {
			kind = "string"
		}
		return fmt.Errorf("cannot unmarshal %s %.40s into a whole number", kind, data)
	}
	*w = whole(value)
	return nil
}

// sink takes the entries of a folder as they arrive. A record is the sink's only until it returns.
type sink interface {
	folder(*folderRecord) error
	file(*fileRecord) error
	// mark gives what drops all that comes from now on: a listing that breaks off is begun again.
	mark() (undo func())
}

// scan reads a folder, entry by entry as its listing arrives: the answer is never in memory as a whole, which for a
// folder of 300,000 files has 180 MB. A listing that ends at a hundred files or entries is gone on with by pages, and one that is too
// large, for the drive or for us, is read by pages from the beginning on, as by the transport of that name, which leaves these calls
// alone.
func (d *Drive) scan(ctx context.Context, folder string, what url.Values, into sink) error {
	ctx = context.WithValue(ctx, scanKey{}, true)
	opts := &rest.Opts{Method: http.MethodGet, Path: listingPath + d.id + "/" + url.PathEscape(folder), Parameters: what}
	undo := into.mark()
	var moved *movedError
	for range pagedReadings {
		undo()
		if err := d.scanOnce(ctx, opts, into, moved); !errors.As(err, &moved) {
			return err
		}
	}
	return errMovesOn
}

// scanOnce reads a folder. The error is a movedError if its pages do not fit together; it takes that of the reading before.
func (d *Drive) scanOnce(ctx context.Context, opts *rest.Opts, into sink, moved *movedError) error {
	last, err := d.scanBegin(ctx, opts, into)
	if err != nil {
		return err
	}
	updated := last.updated
	for place := secondPage; last.isFull(); place = place.next() {
		if place.offset >= maxPages*pageSize {
			return errNoEnd
		}
		var next part
		undo := into.mark()
		err := d.pacer.Call(func() (bool, error) {
			undo()
			var answer *http.Response
			var err error
			next, answer, err = d.scanPart(ctx, atOffset(opts, place.offset, updated), into)
			return again(ctx, answer, err), err
		})
		if err != nil {
			return err
		}
		switch {
		case next.repeats(&last):
			undo()
			if place.overlap == 0 {
				return nil
			}
			place = place.wholePages()
		case place.overlap > 0 && !next.meets(&last):
			if !moved.isSame(&last, place) {
				return &movedError{last, place}
			}
			undo()
			place = place.wholePages()
		default:
			last = next
		}
	}
	return nil
}

// scanBegin reads a folder as the drive gives it without an offset, or its first page.
func (d *Drive) scanBegin(ctx context.Context, opts *rest.Opts, into sink) (begin part, err error) {
	undo := into.mark()
	err = d.pacer.Call(func() (bool, error) {
		undo()
		var answer *http.Response
		var err error
		begin, answer, err = d.scanPart(ctx, opts, into)
		var long *tooLongError
		tooLong := errors.As(err, &long) && long.what == anAnswer
		if status := statusOf(err); tooLong || status == http.StatusBadGateway || status == http.StatusGatewayTimeout {
			undo()
			first, its, pageErr := d.scanPart(ctx, atOffset(opts, 0, ""), into)
			if pageErr == nil {
				begin = first
				return false, nil
			}
			if its != nil {
				answer, err = its, pageErr
			}
		}
		return again(ctx, answer, err), err
	})
	return begin, err
}

type scanKey struct{}

// scanned tells whether a call is one of scan's.
func scanned(ctx context.Context) bool { return ctx.Value(scanKey{}) != nil }

// atOffset gives the call for a page of a folder, when the first one has said that the folder changed last then.
func atOffset(opts *rest.Opts, offset int, updated string) *rest.Opts {
	parameters := url.Values{"offset": {strconv.Itoa(offset)}}
	for name, values := range opts.Parameters {
		parameters[name] = values
	}
	if updated != "" {
		parameters.Set("last_request_time", updated)
	}
	next := opts.Copy()
	next.Parameters = parameters
	return next
}

// scanPart makes one call and reads what it gives.
func (d *Drive) scanPart(ctx context.Context, opts *rest.Opts, into sink) (part, *http.Response, error) {
	resp, err := d.client.Call(ctx, opts)
	if err != nil {
		return part{}, resp, err
	}
	defer func() { _ = resp.Body.Close() }()
	seen, err := decodeListing(resp.Body, into)
	return seen, resp, err
}

// decodeListing reads a listing, one entry after another.
func decodeListing(body io.Reader, into sink) (seen part, err error) {
	bounded := &boundedBody{body: body, left: entryLimit, limit: entryLimit, what: anEntry}
	decoder := json.NewDecoder(bounded)
	if err := expect(decoder, '{'); err != nil {
		return seen, err
	}
	known := false
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return seen, err
		}
		name, _ := key.(string)
		switch {
		case strings.EqualFold(name, "Folders"):
			known = true
			record := new(folderRecord)
			err = each(decoder, func() error {
				*record = folderRecord{}
				if err := decoder.Decode(record); err != nil {
					return err
				}
				seen.sawFolder(string(record.ID))
				bounded.left = bounded.limit
				return into.folder(record)
			})
		case strings.EqualFold(name, "Files"):
			known = true
			record := new(fileRecord)
			err = each(decoder, func() error {
				*record = fileRecord{}
				if err := decoder.Decode(record); err != nil {
					return err
				}
				seen.sawFile(string(record.ID))
				bounded.left = bounded.limit
				return into.file(record)
			})
		case strings.EqualFold(name, "DirUpdateTime"):
			known = true
			var updated text
			err = decoder.Decode(&updated)
			seen.updated = string(updated)
		default:
			var other json.RawMessage
			err = decoder.Decode(&other)
		}
		if err != nil {
			return seen, err
		}
	}
	// What breaks off has no end.
	if _, err := decoder.Token(); err != nil {
		return seen, cutShort(err)
	}
	if !known {
		return seen, fault.New(fault.Other, "", "the server's answer is not a listing: it has neither files nor folders")
	}
	return seen, nil
}

// each goes through a list, which may be null.
func each(decoder *json.Decoder, entry func() error) error {
	start, err := decoder.Token()
	if err != nil {
		return cutShort(err)
	}
	if start == nil {
		return nil
	}
	if start != json.Delim('[') {
		return fmt.Errorf("a listing with %v where a list should be", start)
	}
	for decoder.More() {
		if err := entry(); err != nil {
			return cutShort(err)
		}
	}
	_, err = decoder.Token()
	return cutShort(err)
}

func expect(decoder *json.Decoder, delim json.Delim) error {
	start, err := decoder.Token()
	if err != nil {
		return cutShort(err)
	}
	if start != delim {
		return fault.New(fault.Other, "", fmt.Sprintf("the server's answer is not a listing: it begins with %v", start))
	}
	return nil
}

// cutShort gives the end of an answer within a listing the name by which rclone knows that another try may help.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
