package drive

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	// probeSize is that of a small file, in bytes.
	probeSize = 1000
	// probeTime is a modification time: 14 July 2017.
	probeTime = 1_500_000_000
	// smallTraffic is enough for some dozen calls with small files, in bytes.
	smallTraffic = 500_000
)

var uploadPoints = probeQuestions{
	{
		Number:     1,
		Question:   "A chunk of an upload that is sent twice",
		Assumption: `the second is refused with 400 "Incorrect chunk offset: uploaded=N", and the upload goes on at N`,
		MaxBytes:   smallTraffic,
		ask:        askChunkTwice,
	},
	{
		Number:     2,
		Question:   "An upload to the TempLocation of create_file, without open_file_upload",
		Assumption: "create_file with a file_size gives a TempLocation that takes chunks, and the file can be closed",
		MaxBytes:   smallTraffic,
		ask:        askWithoutOpen,
	},
	{
		Number:     3,
		Question:   "file_time in close_file_upload",
		Assumption: "it becomes the file's modification time, and the answer says so",
		MaxBytes:   smallTraffic,
		ask:        askTimeInClose,
	},
	{
		Number:     4,
		Question:   "Access in the answer of close_file_upload, in a private, a public and a hidden folder",
		Assumption: "it is there, and is what file/info says too",
		MaxBytes:   smallTraffic,
		ask:        askAccess,
	},
	{
		Number:     5,
		Question:   "FileHash of an empty file",
		Assumption: "a file that is empty has the MD5 of no bytes; one whose upload was not finished has none",
		MaxBytes:   smallTraffic,
		ask:        askEmpty,
	},
	{
		Number:     11,
		Question:   "The id of a file that is overwritten",
		Assumption: "it stays, also when create_file with open_if_exists names the file",
		MaxBytes:   smallTraffic,
		ask:        askOverwrite,
	},
}

func askChunkTwice(ctx context.Context, t *trial) (conclusion, error) {
	content := probeNoise(2 * probeSize)
	_, id, err := t.create(ctx, t.folder, "twice", "", -1)
	if err != nil {
		return conclusion{}, err
	}
	place, err := t.open(ctx, id, len(content))
	if err != nil {
		return conclusion{}, err
	}
	if _, err = t.prepare(ctx, t.chunk(id, place, "the first chunk", 0, content[:probeSize])); err != nil {
		return conclusion{}, err
	}
	again, err := t.do(ctx, t.chunk(id, place, "the first chunk again", 0, content[:probeSize]))
	if err != nil {
		return conclusion{}, err
	}
	next, err := t.do(ctx, t.chunk(id, place, "the second chunk", probeSize, content[probeSize:]))
	if err != nil {
		return conclusion{}, err
	}
	closed, err := t.do(ctx, t.closing(id, place, "", len(content), nil))
	if err != nil {
		return conclusion{}, err
	}
	outcome := "the upload then went on and its content is right"
	switch {
	case !next.ok():
		outcome = "the next chunk was then refused with " + next.refusal()
	case !closed.ok():
		outcome = "the close was then refused with " + closed.refusal()
	case !closed.hasHash(content):
		outcome = "the content is not right then"
	}
	whole := next.ok() && closed.ok() && closed.hasHash(content)
	arrived := offsetText.FindStringSubmatch(again.message)
	told := again.Status == http.StatusBadRequest && arrived != nil && arrived[1] == strconv.Itoa(probeSize)
	switch {
	case again.ok():
		return differs("the second was taken too; %s", outcome)
	case told && whole:
		return holds("the second was refused with %s; %s", again.refusal(), outcome)
	default:
		return differs("the second was refused with %s; %s", again.refusal(), outcome)
	}
}

func askWithoutOpen(ctx context.Context, t *trial) (conclusion, error) {
	content := probeNoise(probeSize)
	made, id, err := t.create(ctx, t.folder, "unopened", "with a file_size", len(content))
	if err != nil {
		return conclusion{}, err
	}
	place := t.location(made)
	t.saw(made, "TempLocation is %s", map[bool]string{true: "empty or absent", false: "given"}[place == ""])
	if place == "" {
		return differs("create_file gave no TempLocation")
	}
	sent, err := t.do(ctx, t.chunk(id, place, "without open_file_upload", 0, content))
	if err != nil {
		return conclusion{}, err
	}
	if !sent.ok() {
		return differs("the chunk was refused with %s", sent.refusal())
	}
	closed, err := t.do(ctx, t.closing(id, place, "", len(content), nil))
	if err != nil {
		return conclusion{}, err
	}
	switch {
	case !closed.ok():
		return differs("the chunk was taken, and the close refused with %s", closed.refusal())
	case !closed.hasHash(content):
		return differs("the close was taken, and its FileHash is not that of what was sent")
	}
	return holds("the chunk and the close were taken, and the FileHash is right")
}

func askTimeInClose(ctx context.Context, t *trial) (conclusion, error) {
	id, closed, err := t.store(ctx, t.folder, "timed", "with file_time", probeNoise(probeSize), map[string]any{"file_time": probeTime})
	if err != nil {
		return conclusion{}, err
	}
	info, err := t.do(ctx, t.info(id))
	if err != nil {
		return conclusion{}, err
	}
	early, err := t.do(ctx, probeCall{
		method: http.MethodPut, path: "/file/filesettings.json", about: "a time before 1970",
		json: t.object(map[string]any{"file_id": id, "file_modification_time": "-1"}),
	})
	if err != nil {
		return conclusion{}, err
	}
	before1970 := "taken"
	if !early.ok() {
		before1970 = "refused with " + early.refusal()
	}
	said, known := told(closed, "DateModified")
	kept, _ := told(info, "DateModified")
	t.saw(closed, "DateModified is %s", said)
	t.saw(info, "DateModified is %s", kept)
	switch time, _ := info.number("DateModified"); {
	case time != probeTime:
		return differs("the file has another time; a time before 1970 was %s", before1970)
	case !known || said != kept:
		return differs("the file has the time, and close's DateModified is %s; a time before 1970 was %s", said, before1970)
	}
	return holds("the time was taken and is in the answer; a time before 1970 was %s", before1970)
}

// told tells in words how a time compares with that which was sent.
func told(r *probeReply, key string) (string, bool) {
	time, known := r.number(key)
	switch {
	case !known:
		return "absent", false
	case time == probeTime:
		return "what was sent", true
	}
	return "another time", true
}

func askAccess(ctx context.Context, t *trial) (conclusion, error) {
	seen, wrong := []string{}, ""
	for access, kind := range []string{"private", "public", "hidden"} {
		folder, err := t.makeFolder(ctx, t.folder, kind, access)
		if err != nil {
			return conclusion{}, err
		}
		id, closed, err := t.store(ctx, folder, "file", "in a "+kind+" folder", probeNoise(probeSize), nil)
		if err != nil {
			return conclusion{}, err
		}
		info, err := t.prepare(ctx, t.info(id))
		if err != nil {
			return conclusion{}, err
		}
		said, saidKnown := closed.number("Access")
		is, isKnown := info.number("Access")
		switch {
		case !saidKnown:
			wrong = "close's answer has no Access"
		case !isKnown || said != is:
			wrong = "close's answer and file/info differ"
		}
		if saidKnown {
			t.saw(closed, "Access is %d", said)
			seen = append(seen, fmt.Sprintf("%d in a %s folder", said, kind))
		}
	}
	if wrong != "" {
		return differs("%s", wrong)
	}
	return holds("Access is %s", strings.Join(seen, ", "))
}

func askEmpty(ctx context.Context, t *trial) (conclusion, error) {
	if _, _, err := t.create(ctx, t.folder, "unfinished", "never closed", -1); err != nil {
		return conclusion{}, err
	}
	_, closed, err := t.store(ctx, t.folder, "empty", "of no bytes", nil, nil)
	if err != nil {
		return conclusion{}, err
	}
	listing, err := t.prepare(ctx, t.listing(t.folder, "", nil))
	if err != nil {
		return conclusion{}, err
	}
	hashes := map[string]string{"unfinished": "not listed", "empty": "not listed"}
	for _, file := range listing.list("Files") {
		hashes[file.text("Name")] = hashInWords(file)
	}
	t.saw(closed, "FileHash is %s", hashInWords(closed))
	t.saw(listing, "FileHash of the empty file is %s, of the unfinished one %s", hashes["empty"], hashes["unfinished"])
	found := fmt.Sprintf("of the empty file it is %s (in close's answer %s), of the unfinished one %s", hashes["empty"], hashInWords(closed), hashes["unfinished"])
	if hashes["empty"] == ofNoBytes && hashInWords(closed) == ofNoBytes && hashes["unfinished"] == "empty" {
		return holds("%s", found)
	}
	return differs("%s", found)
}

const ofNoBytes = "the MD5 of no bytes"

func hashInWords(r *probeReply) string {
	_, there := r.object["FileHash"]
	switch hash := r.text("FileHash"); {
	case !there:
		return "absent"
	case hash == "":
		return "empty"
	case r.hasHash(nil):
		return ofNoBytes
	}
	return "something else"
}

func askOverwrite(ctx context.Context, t *trial) (conclusion, error) {
	id, _, err := t.store(ctx, t.folder, "file", "", probeNoise(probeSize), nil)
	if err != nil {
		return conclusion{}, err
	}
	content := probeNoise(2 * probeSize)
	closed, err := t.fill(ctx, id, "over what is there", content, nil)
	if err != nil {
		return conclusion{}, err
	}
	newID, err := t.idOf(closed, "FileId", "FileID")
	if err != nil {
		return conclusion{}, err
	}
	info, err := t.do(ctx, t.info(id))
	if err != nil {
		return conclusion{}, err
	}
	call := t.newFile(t.folder, "file", "of a name that is there, with open_if_exists", len(content))
	members, _ := call.json.(map[string]any)
	members["open_if_exists"] = 1
	opened, err := t.do(ctx, call)
	if err != nil {
		return conclusion{}, err
	}
	// Absent where the call was refused.
	openedID, _ := t.idOf(opened, "FileId", "FileID")
	same := map[bool]string{true: "the same id", false: "another id"}
	t.saw(closed, "%s", same[newID == id])
	if opened.ok() {
		t.saw(opened, "%s", same[openedID == id])
	}
	size, _ := info.number("Size")
	switch {
	case newID != id:
		return differs("the file has another id afterwards")
	case !info.ok():
		return differs("the id is unknown afterwards: %s", info.refusal())
	case size != int64(len(content)):
		return differs("the id leads to the old content")
	case !opened.ok():
		return differs("the id stays; create_file with open_if_exists was refused with %s", opened.refusal())
	case openedID != id:
		return differs("the id stays; create_file with open_if_exists gave another one")
	}
	return holds("the id stays, and create_file with open_if_exists gives it")
}
