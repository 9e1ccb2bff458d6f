package drive

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"bridge/checks"
)

// large gives the listing of a folder of so many files, as the drive writes it, made while it is read.
func large(files int) io.Reader {
	next, rest := 0, `{"DirUpdateTime":1700000000,"Name":"","ParentFolderID":"0","Folders":[],"Files":[`
	return readerFunc(func(buffer []byte) (int, error) {
		for rest == "" {
			if next > files {
				return 0, io.EOF
			}
			if next == files {
				rest = "]}"
			} else {
				rest = fmt.Sprintf(`%s{"FileId":"MTJfNDU2Nzg5MF8%06x","FileHash":"%032x","Name":"a file of a usual name %07d.dat","GroupID":0,"Extension":"dat","Size":"%d","Views":"0","Version":"","Downloads":"0","DateModified":"1700000000","Access":"1","Link":"https://od.lk/f/%d","DownloadLink":"https://od.lk/d/%d","StreamingLink":"https://od.lk/s/%d","TempStreamingLink":"https://web.opendrive.com/api/v1/download/file.json/%d?inline=1","EditLink":"","ThumbLink":"https://od.lk/t/%d","Password":"","EditOnline":0}`,
					strings.Repeat(",", min(next, 1)), next, next, next*7%files, next, next, next, next, next, next)
			}
			next++
		}
		n := copy(buffer, rest)
		rest = rest[n:]
		return n, nil
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(buffer []byte) (int, error) { return f(buffer) }

// heap gives the bytes that are in use.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// A large folder takes what its names, ids and hashes take, and the answer is never in memory as a whole.
func TestListingIsSmall(t *testing.T) {
	const files = 50_000
	synctest.Test(t, func(t *testing.T) {
		d := on(t, transport(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(large(files)), Request: req}, nil
		}))
		before := heap()
		listing, err := d.list(t.Context(), "")
		checks.OK(t, err)
		taken := int64(heap()) - int64(before)
		outside := int64(0)
		for _, chunk := range listing.chunks {
			if cap(chunk) >= maxChunk {
				outside += int64(cap(chunk))
			}
		}
		each := float64(taken+outside) / files
		if taken > outside/2 {
			t.Errorf("%d bytes are in Go's heap, and %d outside of it", taken, outside)
		}
		t.Logf("%.0f bytes an entry", each)
		if listing.Len() != files || each > 150 {
			t.Errorf("%d files, %.0f bytes each", listing.Len(), each)
		}
		previous := ""
		for at := range files {
			entry := listing.At(at)
			if entry.Name <= previous || entry.ID == "" || len(entry.MD5) != 32 || entry.Folder || entry.ModTime.Unix() != 1700000000 {
				t.Fatalf("%+v after %q", entry, previous)
			}
			previous = entry.Name
		}
		runtime.KeepAlive(d)
	})
}

// resident gives the bytes of memory that the process has.
func resident(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("there is no /proc here: ", err)
	}
	fields := strings.Fields(string(statm))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	checks.OK(t, err)
	return pages * int64(os.Getpagesize())
}

// What is outside of Go's heap goes when the listing goes, and when a listing is begun again.
func TestAListingGivesItsMemoryBack(t *testing.T) {
	const files, rounds = 50_000, 30
	fill := func(l *Listing) {
		for at := range files {
			name := fmt.Appendf(nil, "a file of a usual name %07d.dat", at)
			checks.OK(t, l.add(&packed{kind: withMD5, name: name, id: name[:24], hash: name[:16]}))
		}
		if l.sort(); l.Len() != files || l.At(files-1).Name != "a file of a usual name 0049999.dat" {
			t.Error("not all is there")
		}
	}
	fill(new(Listing))
	before := resident(t)
	for range rounds {
		fill(new(Listing))
		runtime.GC()
	}
	again := new(Listing)
	undo := again.mark()
	for range rounds {
		fill(again)
		undo()
	}
	// Each takes more than four megabytes.
	if grown := resident(t) - before; grown > 40<<20 {
		t.Errorf("%d MiB more after %d listings", grown>>20, 2*rounds)
	}
	runtime.KeepAlive(again)
}

// What an entry has is what rclone's own listing has of it, whatever the drive writes.
func TestListingAndRclones(t *testing.T) {
	const upper = "D41D8CD98F00B204E9800998ECF8427E"
	body := `{"Files":[
		{"FileId":"F1","Name":"b","Size":"3","FileHash":"900150983cd24fb0d6963f7d28e17f72","DateModified":"1600000000"},
		{"FileId":"F2","Name":"a：b ","Size":"0","FileHash":"","DateModified":"-5"},
		{"FileId":"F3","Name":"c","Size":"9223372036854775807","FileHash":"` + upper + `","DateModified":"1"},
		{"FileId":"F4","Name":"c","Size":"1","FileHash":"what","DateModified":"2","Other":{"Files":[1]}},
		{"FileId":"F5","Name":"","Size":"1","FileHash":"x","DateModified":"0"}
	],"Folders":[{"FolderID":"D1","Name":"c","DateModified":7},{"FolderID":"D2","Name":"c","DateModified":7},{"FolderID":"D3","Name":"","DateModified":7}],"DirUpdateTime":7}`
	synctest.Test(t, func(t *testing.T) {
		d := on(t, transport(func(req *http.Request) (*http.Response, error) { return answer(req, 200, body), nil }))
		theirs, err := d.remote.List(t.Context(), "")
		checks.OK(t, err)
		want := map[string]string{}
		for _, entry := range theirs {
			id := entry.(fs.IDer).ID()
			want[id] = fmt.Sprint(entry.Remote(), " ", entry.ModTime(t.Context()).Unix())
			if o, ok := entry.(fs.Object); ok {
				sum, _ := o.Hash(t.Context(), hash.MD5)
				want[id] += fmt.Sprint(" ", o.Size(), " ", sum, " ", Unfinished(o), o.(fs.ParentIDer).ParentID())
			}
		}
		listing, err := d.list(t.Context(), "")
		checks.OK(t, err)
		order := ""
		for at := range listing.Len() {
			entry := listing.At(at)
			got := fmt.Sprint(entry.Name, " ", entry.ModTime.Unix())
			if !entry.Folder {
				o := listing.Object(at)
				sum, _ := o.Hash(t.Context(), hash.MD5)
				got += fmt.Sprint(" ", o.Size(), " ", sum, " ", entry.Unfinished(), o.(fs.ParentIDer).ParentID())
				if o.Remote() != entry.Name || o.Size() != entry.Size || sum != entry.MD5 || !o.ModTime(t.Context()).Equal(entry.ModTime) {
					t.Error(o, entry)
				}
			}
			if got != want[entry.ID] {
				t.Errorf("%s: %q, rclone has %q", entry.ID, got, want[entry.ID])
			}
			order += entry.ID + " "
		}
		if order != "D3 F5 F2 F1 D1 D2 F3 F4 " {
			t.Error(order)
		}
		// Of two folders of one name a path stands for the first, and one without a name is not the folder that it is in.
		c, _ := d.dirs().Get("c")
		if root, err := d.dirs().RootID(t.Context(), false); c != "D1" || root != rootID || err != nil {
			t.Error(c, root, err)
		}
	})
}

// An answer that breaks off is asked for again, and nothing is told twice; what is no listing is none.
func TestListingThatBreaksOff(t *testing.T) {
	whole, _ := io.ReadAll(large(3000))
	for _, length := range []int{0, 1, 60, len(whole) / 2, len(whole) - 1} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			d := on(t, transport(func(req *http.Request) (*http.Response, error) {
				body := string(whole)
				if tries++; tries < 3 {
					body = body[:length]
				}
				return answer(req, 200, body), nil
			}))
			listing, err := d.list(t.Context(), "")
			checks.OK(t, err)
			if listing.Len() != 3000 || tries != 3 {
				t.Error(length, listing.Len(), tries)
			}
		})
	}
	padding := strings.Repeat(" ", answerHead)
	for _, body := range []string{padding + `[]`, padding + `{"Name":"x"}`, padding + `"x"`, `{"Files":7}`, `{"Files":[7]}`, `{"Files":[],"Folders":[{"Name":7}]}`} {
		synctest.Test(t, func(t *testing.T) {
			d := on(t, transport(func(req *http.Request) (*http.Response, error) { return answer(req, 200, body), nil }))
			if listing, err := d.list(t.Context(), ""); err == nil {
				t.Errorf("%s: %d entries", strings.TrimSpace(body), listing.Len())
			}
			time.Sleep(time.Minute)
		})
	}
}

func BenchmarkListing(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		l := &Listing{drive: &Drive{}}
		l.drive.options = new(opendrive.Options)
		_, err := decodeListing(large(100_000), l)
		checks.OK(b, err)
		l.sort()
	}
}
