package drive

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

var namePoints = probeQuestions{
	{
		Number:     10,
		Question:   "Names of 255 and 256 characters of one, two and three bytes",
		Assumption: fmt.Sprintf("a name of %d bytes is kept whole, a longer one is not", driveNameLimit),
		MaxBytes:   smallTraffic,
		ask:        askLongNames,
	},
	{
		Number:     16,
		Question:   "+, & and % in names",
		Assumption: "they are kept; folder/itembyname finds no name with + or & in it",
		MaxBytes:   smallTraffic,
		ask:        askOddNames,
	},
}

var accountPoints = probeQuestions{{
	Number:     13,
	Question:   "What users/info tells of the daily volume, by the names of its fields",
	Assumption: "it has StorageUsed, MaxStorage, BwUsed, BwMax and MaxFileSize, all numbers; MaxFileSize is in MB",
	MaxBytes:   smallTraffic,
	ask:        askUserInfo,
}}

// longNames are as many characters as bytes and more, and characters of more than one byte.
var longNames = []struct {
	about, name string
}{
	{"255 characters of one byte", strings.Repeat("a", 255)},
	{"256 characters of one byte", strings.Repeat("b", 256)},
	{"128 characters, 255 bytes", strings.Repeat("ä", 127) + "c"},
	{"128 characters of two bytes", strings.Repeat("ö", 128)},
	{"255 characters of two bytes", strings.Repeat("ü", 255)},
	{"256 characters of two bytes", strings.Repeat("é", 256)},
	{"85 characters of three bytes", strings.Repeat("丁", 85)},
	{"86 characters of three bytes", strings.Repeat("丙", 86)},
	{"255 characters of three bytes", strings.Repeat("世", 255)},
	{"256 characters of three bytes", strings.Repeat("且", 256)},
}

func askLongNames(ctx context.Context, t *trial) (conclusion, error) {
	refused := map[string]*probeReply{}
	for _, long := range longNames {
		r, err := t.do(ctx, t.newFile(t.folder, long.name, long.about, -1))
		if err != nil {
			return conclusion{}, err
		}
		if !r.ok() {
			refused[long.name] = r
			continue
		}
		if _, err := t.idOf(r, "FileId", "FileID"); err != nil {
			return conclusion{}, err
		}
		t.saw(r, "the answer's Name is %s", inWords(r.text("Name"), long.name))
	}
	listed, err := t.prepare(ctx, t.listing(t.folder, "", nil))
	if err != nil {
		return conclusion{}, err
	}
	found, asAssumed := []string{}, true
	for _, long := range longNames {
		became := "refused"
		if r := refused[long.name]; r == nil {
			became = inWords(nameLike(listed, long.name), long.name)
		} else if r.Status >= 500 {
			became = r.refusal()
		}
		found = append(found, long.about+": "+became)
		asAssumed = asAssumed && (became == keptWhole) == (len(long.name) <= driveNameLimit)
	}
	text := strings.Join(found, "; ")
	if asAssumed {
		return holds("%s", text)
	}
	return differs("%s", text)
}

const keptWhole = "kept whole"

// inWords tells what became of a name.
func inWords(kept, sent string) string {
	switch {
	case kept == sent:
		return keptWhole
	case kept == "":
		return "not there"
	case strings.HasPrefix(sent, kept):
		return fmt.Sprintf("cut to %d characters, %d bytes", len([]rune(kept)), len(kept))
	}
	return "changed"
}

// nameLike finds a name in a listing that begins as one does; each has a beginning of its own.
func nameLike(listed *probeReply, sent string) string {
	for _, file := range listed.list("Files") {
		if name := file.text("Name"); name != "" && []rune(name)[0] == []rune(sent)[0] {
			return name
		}
	}
	return ""
}

func askOddNames(ctx context.Context, t *trial) (conclusion, error) {
	names := []string{"plain name", "a+b", "c&d", "e%f", "g%2Bh"}
	for _, name := range names {
		if _, _, err := t.store(ctx, t.folder, name, "", probeNoise(probeSize), nil); err != nil {
			return conclusion{}, err
		}
	}
	listed, err := t.prepare(ctx, t.listing(t.folder, "", nil))
	if err != nil {
		return conclusion{}, err
	}
	there := map[string]bool{}
	for _, file := range listed.list("Files") {
		there[file.text("Name")] = true
	}
	// A new name may not be found for seconds, whatever is in it.
	if err := t.untilFound(ctx, names[0]); err != nil {
		return conclusion{}, err
	}
	found, asAssumed := []string{}, true
	for _, name := range names {
		r, err := t.do(ctx, t.byName(name, "name="+name))
		if err != nil {
			return conclusion{}, err
		}
		became := map[bool]string{true: "kept", false: "changed"}[there[name]]
		byName := map[bool]string{true: "found", false: "not found"}[len(r.list("Files")) > 0]
		t.saw(r, "%s", byName)
		found = append(found, fmt.Sprintf("%s is %s and %s", name, became, byName))
		asAssumed = asAssumed && there[name] && (byName == "found") == !strings.ContainsAny(name, "+&")
	}
	text := strings.Join(found, "; ")
	if asAssumed {
		return holds("%s", text)
	}
	return differs("%s", text)
}

// byName is the call that looks an entry up.
func (t *trial) byName(name, about string) probeCall {
	path := "/folder/itembyname.json/" + t.drive.id + "/" + url.PathEscape(t.folder)
	return probeCall{method: http.MethodGet, path: path, about: about, query: url.Values{"name": {name}}}
}

func (t *trial) untilFound(ctx context.Context, name string) error {
	for range probeTries {
		r, err := t.do(ctx, t.byName(name, "until a new name is found"))
		if err != nil || len(r.list("Files")) > 0 {
			return err
		}
		if err := pause(ctx, probePause); err != nil {
			return err
		}
	}
	return nil
}

func askUserInfo(ctx context.Context, t *trial) (conclusion, error) {
	r, err := t.prepare(ctx, probeCall{method: http.MethodGet, path: "/users/info.json/" + t.drive.id})
	if err != nil {
		return conclusion{}, err
	}
	missing := []string{}
	for _, field := range []string{"StorageUsed", "MaxStorage", "BwUsed", "BwMax", "MaxFileSize"} {
		if _, known := r.number(field); !known {
			missing = append(missing, field)
		}
	}
	if len(missing) > 0 {
		return differs("it has no number in %s", strings.Join(missing, ", "))
	}
	// No plan allows files of a terabyte, and none only files of less than a megabyte.
	switch size, _ := r.number("MaxFileSize"); {
	case size == 0:
		return holds("all are there; MaxFileSize is 0")
	case size >= 1<<20:
		return differs("all are there; MaxFileSize has %d digits, which is too much for MB", len(r.text("MaxFileSize")))
	}
	return holds("all are there; MaxFileSize is small enough for MB")
}
