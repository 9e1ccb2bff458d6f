package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bridge/checks"
	"bridge/fault"
)

func TestReadRanges(t *testing.T) {
	tidy(t)
	text := strings.Repeat("0123456789", 20)
	all := allRemotes(t)
	all["drive"] = fakeRemote(t, newFakeFs())
	for name, r := range all {
		for _, size := range []int{0, 1, 200} {
			object := upload(t, r, fmt.Sprint("f", size), text[:size]).Object
			for _, offset := range []int64{0, 1, 7, 199, 200, 201, math.MaxInt64} {
				for _, length := range []int64{-1, 0, 1, 10, 199, 200, 201, math.MaxInt64} {
					want := text[:size]
					want = want[min(offset, int64(size)):]
					if length >= 0 {
						want = want[:min(length, int64(len(want)))]
					}
					for _, buffer := range []int{1, 7, 1 << 16} {
						stream, err := OpenReader(object, offset, length)
						checks.OK(t, err)
						got, err := drain(stream, make([]byte, buffer))
						if err != nil || got != want {
							t.Errorf("%s %d [%d,%d] by %d: %q %v, want %q", name, size, offset, length, buffer, got, err, want)
						}
						// The end stays the end.
						if n, err := Read(stream, make([]byte, 1)); n != 0 || err != nil {
							t.Error(n, err)
						}
						checks.OK(t, CloseStream(stream))
					}
				}
			}
		}
	}
}

func TestReadFillsBuffer(t *testing.T) {
	tidy(t)
	text := strings.Repeat("x", 10000)
	// A server that sends few bytes at a time.
	object := kept(t, &fakeObject{name: "a", size: 10000, sum: sumOf([]byte(text)), open: func(context.Context, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(&drip{strings.NewReader(text)}), nil
	}})
	stream, err := OpenReader(object, 0, -1)
	checks.OK(t, err)
	buffer := make([]byte, 4096)
	for _, want := range []int{4096, 0, 4096, 1808, 0} {
		buffer := buffer
		if want == 0 {
			buffer = nil
		}
		if n, err := Read(stream, buffer); n != want || err != nil {
			t.Error(n, err, want)
		}
	}
	checks.OK(t, CloseStream(stream))
}

// drip reads at most three bytes at once.
type drip struct{ from io.Reader }

func (d *drip) Read(buffer []byte) (int, error) { return d.from.Read(buffer[:min(len(buffer), 3)]) }

func TestOpenReaderRefuses(t *testing.T) {
	tidy(t)
	object := upload(t, memoryRemote(t), "a", "abc").Object
	for _, test := range [][2]int64{{-1, 1}, {0, -2}, {math.MinInt64, -1}} {
		_, err := OpenReader(object, test[0], test[1])
		checks.HasKind(t, err, fault.Other)
	}
}

// What comes must be what was listed, or it is no copy.
func TestReadChecks(t *testing.T) {
	sum := sumOf([]byte("0123456789"))
	for name, test := range map[string]struct {
		size           int64
		sum            string
		offset, length int64
		comes          string
		fails          bool
	}{
		"as listed":                  {10, sum, 0, -1, "0123456789", false},
		"without a hash":             {10, "", 0, -1, "0123456789", false},
		"other content":              {10, sum, 0, -1, "0123456780", true},
		"other content, by length":   {10, sum, 0, 10, "0123456780", true},
		"other content, long length": {10, sum, 0, 99, "0123456780", true},
		"shorter":                    {10, "", 0, -1, "01234", true},
		"longer":                     {10, "", 0, -1, "0123456789x", true},
		"range":                      {10, sum, 2, 3, "234", false},
		"range, short":               {10, sum, 2, 3, "23", true},
		"range, not heeded":          {10, sum, 2, 3, "0123456789", true},
		"range over the end":         {10, sum, 8, 5, "89", false},
		"range from the middle":      {10, sum, 8, -1, "89", false},
		"unknown size":               {-1, sum, 0, -1, "0123456789", false},
		"unknown size, other":        {-1, sum, 0, -1, "x", true},
		"unknown size, range":        {-1, "", 2, 3, "23", false},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			for _, buffer := range []int{1, 4, 10, 11, 100} {
				object := kept(t, &fakeObject{name: "a", size: test.size, sum: test.sum, open: func(context.Context, int64, int64) (io.ReadCloser, error) {
					return io.NopCloser(strings.NewReader(test.comes)), nil
				}})
				stream, err := OpenReader(object, test.offset, test.length)
				checks.OK(t, err)
				got, err := drain(stream, make([]byte, buffer))
				if test.fails {
					checks.HasKind(t, err, fault.Corrupt)
					// Never more than was asked for, and the error stays.
					if most := test.length; most >= 0 && int64(len(got)) > most {
						t.Errorf("%d bytes given", len(got))
					}
					_, err = Read(stream, make([]byte, 1))
					checks.HasKind(t, err, fault.Corrupt)
				} else if err != nil || got != test.comes {
					t.Errorf("%q %v", got, err)
				}
				checks.OK(t, CloseStream(stream))
			}
		})
	}
}

// A damaged download is begun once more, if nothing of it has been given out.
func TestDamagedOnce(t *testing.T) {
	const size = 700_000 // Hashed in several pieces.
	right := strings.Repeat("0123456789", size/10)
	wrong := right[:size/2] + "x" + right[size/2+1:]
	for name, test := range map[string]struct {
		downloads []string
		buffer    int
		want      int
		fails     bool
	}{
		"right":                   {[]string{right}, size + 1, 1, false},
		"damaged once":            {[]string{wrong, right}, size + 1, 2, false},
		"damaged once, exact":     {[]string{wrong, right}, size, 1, true},
		"cut short once":          {[]string{right[:size-1], right}, size + 1, 2, false},
		"damaged twice":           {[]string{wrong, wrong, right}, size + 1, 2, true},
		"given out in part":       {[]string{wrong, right}, size / 3, 1, true},
		"damaged, then cut":       {[]string{wrong, right[:10], right}, size + 1, 2, true},
		"in pieces, and in order": {[]string{right}, size/3 + 1, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			count := 0
			object := kept(t, &fakeObject{name: "a", size: size, sum: sumOf([]byte(right)), open: func(context.Context, int64, int64) (io.ReadCloser, error) {
				count++
				return io.NopCloser(strings.NewReader(test.downloads[count-1])), nil
			}})
			stream, err := OpenReader(object, 0, -1)
			checks.OK(t, err)
			got, err := drain(stream, make([]byte, test.buffer))
			if test.fails {
				checks.HasKind(t, err, fault.Corrupt)
			} else if err != nil || got != right {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if count != test.want {
				t.Errorf("downloaded %d times, want %d", count, test.want)
			}
			checks.OK(t, CloseStream(stream))
		})
	}
}

// The local backend looks again when a file is opened, and then has the new size for the right one.
func TestLocalFileChanges(t *testing.T) {
	tidy(t)
	r, dir := localRemote(t)
	for name, now := range map[string]string{"grown": "abcdef", "shrunk": "a", "emptied": ""} {
		object := upload(t, r, name, "abc").Object
		checks.OK(t, os.WriteFile(filepath.Join(dir, name), []byte(now), 0o600))
		stream, err := OpenReader(object, 0, -1)
		checks.OK(t, err)
		_, err = drain(stream, make([]byte, 100))
		checks.HasKind(t, err, fault.Corrupt)
		checks.OK(t, CloseStream(stream))
	}
}

func TestVanished(t *testing.T) {
	tidy(t)
	r, dir := localRemote(t)
	for _, size := range []int{0, 3} {
		object := upload(t, r, "a", "abc"[:size]).Object
		checks.OK(t, os.Remove(filepath.Join(dir, "a")))
		stream, err := OpenReader(object, 0, -1)
		checks.OK(t, err)
		_, err = Read(stream, make([]byte, 10))
		checks.HasKind(t, err, fault.NotFound)
		if failure := fault.As(err, ""); failure.Path != "a" {
			t.Error(failure)
		}
		checks.OK(t, CloseStream(stream))
	}
}

// cutting serves text in pieces: after every piece the connection breaks.
func cutting(text string, piece int, failure error, offsets *[]int64) *fakeObject {
	return &fakeObject{name: "a", size: int64(len(text)), sum: sumOf([]byte(text)), open: func(_ context.Context, offset, limit int64) (io.ReadCloser, error) {
		*offsets = append(*offsets, offset)
		rest := text[offset:]
		if limit >= 0 && limit < int64(len(rest)) {
			rest = rest[:limit]
		}
		if len(rest) <= piece {
			return io.NopCloser(strings.NewReader(rest)), nil
		}
		return io.NopCloser(io.MultiReader(strings.NewReader(rest[:piece]), broken{failure})), nil
	}}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestCutDownloadResumes(t *testing.T) {
	tidy(t)
	for _, test := range []struct {
		piece          int
		offset, length int64
		offsets        string
		fails          bool
	}{
		{60, 0, -1, "[0 60]", false},
		{30, 0, -1, "[0 30 60 90]", false},
		{30, 5, 70, "[5 35 65]", false},
		{10, 0, -1, "[0 10 20 30 40 50 60 70 80 90]", false},
		// More breaks than tries.
		{9, 0, -1, "[0 9 18 27 36 45 54 63 72 81]", true},
		{0, 0, -1, "[0 0 0 0 0 0 0 0 0 0]", true},
	} {
		for _, buffer := range []int{1, 30, 1000} {
			for _, failure := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
				text := strings.Repeat("0123456789", 10)
				offsets := []int64{}
				object := kept(t, cutting(text, test.piece, failure, &offsets))
				stream, err := OpenReader(object, test.offset, test.length)
				checks.OK(t, err)
				got, err := drain(stream, make([]byte, buffer))
				want := text[test.offset:]
				if test.length >= 0 {
					want = want[:test.length]
				}
				if test.fails {
					checks.HasKind(t, err, fault.Other)
					if !strings.HasPrefix(want, got) {
						t.Errorf("%q", got)
					}
				} else if err != nil || got != want {
					t.Errorf("%+v: %q %v", test, got, err)
				}
				if fmt.Sprint(offsets) != test.offsets {
					t.Errorf("%+v: offsets %v", test, offsets)
				}
				checks.OK(t, CloseStream(stream))
			}
		}
	}
}

// A download that breaks for good is an error even where the size cannot tell.
func TestCutDownloadOfUnknownSize(t *testing.T) {
	tidy(t)
	offsets := []int64{}
	o := cutting("0123456789", 0, io.ErrUnexpectedEOF, &offsets)
	o.size, o.sum = -1, ""
	stream, err := OpenReader(kept(t, o), 0, -1)
	checks.OK(t, err)
	_, err = drain(stream, make([]byte, 4))
	checks.HasKind(t, err, fault.Other)
	if failure := fault.As(err, ""); !failure.Retry {
		t.Error("a cut connection may be tried again")
	}
	checks.OK(t, CloseStream(stream))
}

func TestServerErrorsOnOpen(t *testing.T) {
	tidy(t)
	for _, test := range []struct {
		err  error
		kind fault.Kind
	}{{checks.DriveError(404, "gone"), fault.NotFound}, {checks.DriveError(401, "expired"), fault.Authentication}, {context.DeadlineExceeded, fault.Timeout}} {
		object := kept(t, &fakeObject{name: "a", size: 3, open: func(context.Context, int64, int64) (io.ReadCloser, error) { return nil, test.err }})
		stream, err := OpenReader(object, 0, -1)
		checks.OK(t, err)
		for range 2 {
			_, err = Read(stream, make([]byte, 10))
			checks.HasKind(t, err, test.kind)
		}
		checks.OK(t, CloseStream(stream))
	}
}
