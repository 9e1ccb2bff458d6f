package drive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	// pageSize is how many entries of a folder the drive gives at most when asked from an offset on.
	pageSize = 100
	// pageBytes is more than a hundred files and some thousand folders take: a longer listing is not one page.
	pageBytes = 4 << 20
	// maxPages bounds a folder that has no end.
	maxPages = 100_000
)

// pages asks for the rest of a folder. A listing without an offset should be the whole folder; but a drive that gives
// a hundred files or entries, as one was seen to do, may have more, and one that fails at a large folder gives it by pages. It is for what
// rclone's backend lists by itself; scan does the same without keeping the whole in memory.
type pages struct{ answers }

func (p pages) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.Path, listingPath) || req.URL.Query().Has("offset") || scanned(req.Context()) {
		return p.answers.RoundTrip(req)
	}
	var moved *movedError
	for range pagedReadings {
		if resp, err := p.folder(req, moved); !errors.As(err, &moved) {
			return resp, err
		}
	}
	return nil, errMovesOn
}

// folder reads a folder. The error is a movedError if its pages do not fit together; it takes that of the reading before.
func (p pages) folder(req *http.Request, moved *movedError) (*http.Response, error) {
	resp, err := p.answers.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		head, err := io.ReadAll(io.LimitReader(resp.Body, pageBytes))
		rest := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(head), after(rest, err)), rest}
		if err != nil || len(head) == pageBytes {
			return resp, nil
		}
		first := new(page)
		if json.Unmarshal(head, first) != nil {
			return resp, nil
		}
		if counted := (&part{folders: len(first.Folders), files: len(first.Files)}); !counted.isFull() {
			return resp, nil
		}
		return p.rest(req, resp, first, moved)
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		first := new(page)
		began, err := p.page(req, first, 0)
		if err != nil {
			// The failure of the whole is tried again as the table says.
			return resp, nil
		}
		if began.StatusCode != http.StatusOK {
			_ = resp.Body.Close()
			return began, nil
		}
		_ = resp.Body.Close()
		return p.rest(req, began, first, moved)
	}
	return resp, nil
}

// rest gives a folder whose first page is there as one listing.
func (p pages) rest(req *http.Request, resp *http.Response, all *page, moved *movedError) (*http.Response, error) {
	defer func(body io.Closer) { _ = body.Close() }(resp.Body)
	seen := map[entryID]bool{}
	last := all.part()
	all.keepNew(seen)
	for place := secondPage; last.isFull(); place = place.next() {
		if place.offset >= maxPages*pageSize {
			return nil, errNoEnd
		}
		next := &page{DirUpdateTime: all.DirUpdateTime}
		answer, err := p.page(req, next, place.offset)
		if err != nil || answer.StatusCode != http.StatusOK {
			return answer, err
		}
		switch found := next.part(); {
		case found.repeats(&last):
			if place.overlap == 0 {
				// Nothing follows.
				last = part{}
				break
			}
			place = place.wholePages()
		case place.overlap > 0 && !found.meets(&last):
			if !moved.isSame(&last, place) {
				return nil, &movedError{last, place}
			}
			place = place.wholePages()
		default:
			next.keepNew(seen)
			all.Folders, all.Files = append(all.Folders, next.Folders...), append(all.Files, next.Files...)
			last = found
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// page reads one page of a folder. An answer that is an error is given whole.
func (p pages) page(req *http.Request, into *page, offset int) (*http.Response, error) {
	next := req.Clone(req.Context())
	query := next.URL.Query()
	query.Set("offset", strconv.Itoa(offset))
	if updated := into.updated(); updated != "" {
		query.Set("last_request_time", updated)
	}
	next.URL = &url.URL{Scheme: next.URL.Scheme, Host: next.URL.Host, Path: next.URL.Path, RawPath: next.URL.RawPath, RawQuery: query.Encode()}
	resp, err := p.answers.RoundTrip(next)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return nil, fmt.Errorf("a page of a folder's listing: %w", err)
	}
	return resp, nil
}

// page is a listing, or a part of one.
type page struct {
	Name, ParentFolderID, DirectFolderLink, ResponseType, DirUpdateTime json.RawMessage `json:",omitempty"`
	Folders, Files                                                      []json.RawMessage
}

// part is what is seen of it.
func (p *page) part() (seen part) {
	for _, entry := range p.Folders {
		seen.sawFolder(idOf(entry).id)
	}
	for _, entry := range p.Files {
		seen.sawFile(idOf(entry).id)
	}
	return seen
}

// idOf gives the id of an entry of a listing, "" if it has none.
func idOf(entry json.RawMessage) entryID {
	var id struct {
		Folder text `json:"FolderID"`
		File   text `json:"FileId"`
	}
	_ = json.Unmarshal(entry, &id)
	if id.Folder != "" {
		return entryID{true, string(id.Folder)}
	}
	return entryID{false, string(id.File)}
}

// updated is when the drive says that the folder changed last.
func (p *page) updated() string { return strings.Trim(string(p.DirUpdateTime), `"`) }

// keepNew leaves the entries out that were seen before: a folder that changes shifts its pages.
func (p *page) keepNew(seen map[entryID]bool) {
	for _, list := range []*[]json.RawMessage{&p.Folders, &p.Files} {
		kept := make([]json.RawMessage, 0, len(*list))
		for _, entry := range *list {
			key := idOf(entry)
			if key.id != "" && seen[key] {
				continue
			}
			seen[key] = true
			kept = append(kept, entry)
		}
		*list = kept
	}
}

// after is what follows the part of an answer that was read: the rest, or why there is none.
func after(rest io.Reader, err error) io.Reader {
	if err != nil {
		return broken{err}
	}
	return rest
}
