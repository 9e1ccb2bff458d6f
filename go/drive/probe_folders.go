package drive

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

const (
	// probeFiles are how many files the two folders have whose listings are counted.
	probeFewFiles  = 101
	probeManyFiles = 1001
	// probePage is how many entries a page of a listing has.
	probePage = 100
	// probeCreators is how many calls make the many files, side by side.
	probeCreators = 4
)

var folderPoints = probeQuestions{
	{
		Number:     6,
		Question:   "The listing of a folder of 101 and of 1,001 files, without offset",
		Assumption: "it has all of them; with an offset there are pages of 100, from any entry on",
		MaxBytes:   10_000_000,
		ask:        askLargeFolders,
	},
	{
		Number:     8,
		Question:   "DirUpdateTime of a folder",
		Assumption: "none: it is not built upon",
		MaxBytes:   smallTraffic,
		ask:        askUpdateTime,
	},
	{
		Number:     9,
		Question:   "A folder that is made although it exists, and two of a name made at once",
		Assumption: "the second is refused with 409",
		MaxBytes:   smallTraffic,
		ask:        askFolderTwice,
	},
}

// listing is the call that lists a folder.
func (t *trial) listing(folder, about string, query url.Values) probeCall {
	path := listingPath + t.drive.id + "/" + url.PathEscape(folder)
	return probeCall{method: http.MethodGet, path: path, about: about, query: query}
}

func askLargeFolders(ctx context.Context, t *trial) (conclusion, error) {
	found, complete, made := []string{}, true, 0
	for _, size := range []int{probeFewFiles, probeManyFiles} {
		if err := t.createMany(ctx, made, size); err != nil {
			return conclusion{}, err
		}
		made = size
		listed, err := t.count(ctx, size)
		if err != nil {
			return conclusion{}, err
		}
		if !listed.ok() {
			complete = false
			found = append(found, fmt.Sprintf("that of %d was refused with %s", size, listed.refusal()))
			continue
		}
		files := distinct(listed)
		complete = complete && files == size
		found = append(found, fmt.Sprintf("that of %d has %d", size, files))
	}
	pages, fits, err := t.pages(ctx)
	if err != nil {
		return conclusion{}, err
	}
	text := strings.Join(found, ", ") + "; " + pages
	if complete && fits {
		return holds("%s", text)
	}
	return differs("%s", text)
}

// count lists the folder without an offset. If files are missing it does so once more: they may be too new.
func (t *trial) count(ctx context.Context, files int) (*probeReply, error) {
	about := fmt.Sprintf("%d files, without offset", files)
	listed, err := t.do(ctx, t.listing(t.folder, about, nil))
	if err == nil && listed.ok() && distinct(listed) != files {
		t.saw(listed, "%d files", distinct(listed))
		if err := pause(ctx, 2*probePause); err != nil {
			return nil, err
		}
		listed, err = t.do(ctx, t.listing(t.folder, about+", once more", nil))
	}
	if err == nil && listed.ok() {
		t.saw(listed, "%d files", distinct(listed))
	}
	return listed, err
}

// pages lists the first two pages of the folder, and one that begins with the last entry of the first. It tells how many entries they
// have, and whether that one begins so: by this a removal between two pages is noticed.
func (t *trial) pages(ctx context.Context) (text string, fits bool, err error) {
	query := url.Values{}
	found := []string{}
	last := ""
	for _, offset := range []int{0, probePage, probePage - 1} {
		query.Set("offset", strconv.Itoa(offset))
		page, err := t.do(ctx, t.listing(t.folder, fmt.Sprintf("offset=%d", offset), query))
		if err != nil {
			return "", false, err
		}
		if !page.ok() {
			return fmt.Sprintf("with offset=%d it was refused with %s", offset, page.refusal()), true, nil
		}
		t.saw(page, "%d files", distinct(page))
		found = append(found, fmt.Sprintf("offset=%d has %d", offset, distinct(page)))
		files := page.list("Files")
		switch {
		case offset == 0 && len(files) > 0:
			last = files[len(files)-1].text("Name")
			if updated := page.text("DirUpdateTime"); updated != "" {
				query.Set("last_request_time", updated)
			}
		case offset == probePage-1:
			fits = len(files) > 0 && files[0].text("Name") == last
			found = append(found, map[bool]string{true: "and begins with the last of the first page", false: "and does not begin with the last of the first page"}[fits])
		}
	}
	return strings.Join(found, ", "), fits, nil
}

// distinct counts the names of files in a listing.
func distinct(listing *probeReply) int {
	names := map[string]struct{}{}
	for _, file := range listing.list("Files") {
		names[file.text("Name")] = struct{}{}
	}
	return len(names)
}

// createMany makes empty files, side by side. That their uploads are not finished does not matter: they are listed.
func (t *trial) createMany(ctx context.Context, from, to int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var creators sync.WaitGroup
	for range probeCreators {
		creators.Go(func() {
			for number := range numbers {
				if _, _, err := t.create(ctx, t.folder, fmt.Sprintf("file-%04d", number), "", -1); err != nil {
					cancel(err)
				}
			}
		})
	}
	for number := from; number < to && ctx.Err() == nil; number++ {
		numbers <- number
	}
	close(numbers)
	creators.Wait()
	return context.Cause(ctx)
}

func askUpdateTime(ctx context.Context, t *trial) (conclusion, error) {
	id, _, err := t.store(ctx, t.folder, "file", "", probeNoise(probeSize), nil)
	if err != nil {
		return conclusion{}, err
	}
	below, err := t.makeFolder(ctx, t.folder, "below", 0)
	if err != nil {
		return conclusion{}, err
	}
	last, err := t.updateTime(ctx, "")
	if err != nil {
		return conclusion{}, err
	}
	if last == "" {
		return noted("a listing has no DirUpdateTime")
	}
	found := []string{}
	for _, step := range []struct {
		after string
		do    func() error
	}{
		{"nothing was done", func() error { return nil }},
		{"a file was made", func() error {
			_, _, err := t.store(ctx, t.folder, "second", "", probeNoise(probeSize), nil)
			return err
		}},
		{"a file was overwritten", func() error { _, err := t.fill(ctx, id, "", probeNoise(probeSize), nil); return err }},
		{"a file was made in a folder below", func() error { _, _, err := t.store(ctx, below, "third", "", probeNoise(probeSize), nil); return err }},
		{"nothing was done again", func() error { return nil }},
	} {
		// It has seconds only.
		if err := pause(ctx, probePause); err != nil {
			return conclusion{}, err
		}
		if err := step.do(); err != nil {
			return conclusion{}, err
		}
		now, err := t.updateTime(ctx, "after "+step.after)
		if err != nil {
			return conclusion{}, err
		}
		moved := "it stayed"
		if now != last {
			moved = "it moved"
		}
		found = append(found, fmt.Sprintf("%s after %s", moved, step.after))
		last = now
	}
	return noted("%s", strings.Join(found, ", "))
}

func (t *trial) updateTime(ctx context.Context, about string) (string, error) {
	listed, err := t.prepare(ctx, t.listing(t.folder, about, nil))
	if err != nil {
		return "", err
	}
	return listed.text("DirUpdateTime"), nil
}

func askFolderTwice(ctx context.Context, t *trial) (conclusion, error) {
	first, err := t.makeFolder(ctx, t.folder, "folder", 0)
	if err != nil {
		return conclusion{}, err
	}
	again, err := t.do(ctx, t.newFolder(t.folder, "folder", "of a name that is there", 0))
	if err != nil {
		return conclusion{}, err
	}
	second, _ := t.idOf(again, "FolderID", "FolderId")
	if again.ok() {
		t.saw(again, "%s", map[bool]string{true: "the id of the first", false: "another id"}[first == second])
	}
	replies, failures := [2]*probeReply{}, [2]error{}
	var both sync.WaitGroup
	for i := range replies {
		both.Go(func() { replies[i], failures[i] = t.do(ctx, t.newFolder(t.folder, "race", "two of a name at once", 0)) })
	}
	both.Wait()
	for i := range replies {
		if failures[i] != nil {
			return conclusion{}, failures[i]
		}
		_, _ = t.idOf(replies[i], "FolderID", "FolderId")
	}
	listed, err := t.prepare(ctx, t.listing(t.folder, "", nil))
	if err != nil {
		return conclusion{}, err
	}
	count := map[string]int{}
	for _, folder := range listed.list("Folders") {
		count[folder.text("Name")]++
	}
	t.saw(listed, "%d of the name made twice, %d of that made at once", count["folder"], count["race"])
	race := fmt.Sprintf("two calls at once made %d", count["race"])
	switch {
	case again.Status == http.StatusConflict:
		return holds("the second was refused with %s; %s", again.refusal(), race)
	case !again.ok():
		return differs("the second was refused with %s; %s", again.refusal(), race)
	case count["folder"] > 1:
		return differs("the second was made beside the first; %s", race)
	}
	return differs("the second call gave the first folder; %s", race)
}
