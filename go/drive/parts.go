package drive

import (
	"fmt"
	"maps"

	"bridge/fault"
)

// part is what was seen of a listing, or of a page of it.
type part struct {
	folders, files int
	// firstFolder and firstFile are the ids of the first of each kind.
	firstFolder, firstFile string
	// ids are those of all entries, but for files beyond a page's: such a listing is whole.
	ids map[entryID]bool
	// updated is when the drive says that the folder changed last.
	updated string
}

// entryID is the id of a folder or of a file, which may have the same.
type entryID struct {
	folder bool
	id     string
}

func (p *part) sawFolder(id string) {
	if p.folders++; p.folders == 1 {
		p.firstFolder = id
	}
	p.keep(entryID{true, id})
}

func (p *part) sawFile(id string) {
	if p.files++; p.files == 1 {
		p.firstFile = id
	}
	p.keep(entryID{false, id})
}

func (p *part) keep(entry entryID) {
	if p.files > pageSize {
		return
	}
	if p.ids == nil {
		p.ids = map[entryID]bool{}
	}
	p.ids[entry] = true
}

// isFull tells whether more may follow. A drive may count folders and files together, or each kind by itself, or files
// only: one was seen to give "the first 100 files or so" (rclone's issue 1026). A listing with more files than a page has was not cut. A
// folder that has just as many costs one call more.
func (p *part) isFull() bool {
	return p.files == pageSize || p.folders+p.files == pageSize || (p.folders == pageSize && p.files < pageSize)
}

// repeats tells whether a page is what came before it: the drive ignores the offset.
func (p *part) repeats(before *part) bool {
	return p.firstFolder == before.firstFolder && p.firstFile == before.firstFile
}

// meets tells whether a page has an entry of the part before it. If not, there may be some between them.
func (p *part) meets(before *part) bool {
	for entry := range p.ids {
		if before.ids[entry] {
			return true
		}
	}
	return false
}

// pageAt is where a page begins, and with how many entries of the one before it.
//
// A page begins with the last entry of the one before. What is removed from a folder while it is read moves the rest forward: then
// that entry is not in the page, and one or more were passed over without a word. What is added moves entries onto the page that were
// seen, which does no harm. DirUpdateTime tells neither: it moves without a write, and has seconds only.
type pageAt struct{ offset, overlap int }

// secondPage follows what came without an offset, or with 0.
var secondPage = pageAt{pageSize - 1, 1}

func (p pageAt) next() pageAt { return pageAt{p.offset + pageSize - p.overlap, p.overlap} }

// wholePages is before the next page on a drive that knows no offset within one.
func (p pageAt) wholePages() pageAt { return pageAt{p.offset + 1 - pageSize, 0} }

// pagedReadings is how often a folder is read from the beginning whose pages do not fit together.
const pagedReadings = 3

// movedError is that a page has no entry of the part before it.
type movedError struct {
	before part
	at     pageAt
}

func (e *movedError) Error() string { return "the folder changed while it was read" }

// isSame tells whether another reading ended at the same place behind the same entries: then none was removed before it, and it is the
// drive that knows no offset within a page.
func (e *movedError) isSame(before *part, at pageAt) bool {
	return e != nil && e.at == at && maps.Equal(e.before.ids, before.ids)
}

var (
	// errMovesOn is that they never do.
	errMovesOn = &fault.Error{Kind: fault.Other, Retry: true, Message: fmt.Sprintf(
		"entries were removed from the folder each of the %d times that it was listed: list it again when nothing is being removed there", pagedReadings)}
	// errNoEnd is a folder that has more pages than any has.
	errNoEnd = fault.New(fault.Other, "", fmt.Sprintf("the drive's listing of the folder does not end after %d pages", maxPages))
)
