package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/object"

	"bridge/checks"
	"bridge/fault"
)

var modified = time.Unix(1600000000, 0)

// is checks what an upload gave.
func is(t *testing.T, s *server, o interface {
	Size() int64
	Hash(context.Context, hash.Type) (string, error)
	ModTime(context.Context) time.Time
}, data string) {
	t.Helper()
	sum, err := o.Hash(t.Context(), hash.MD5)
	checks.OK(t, err)
	if o.Size() != int64(len(data)) || sum != sumOf([]byte(data)) || !o.ModTime(t.Context()).Equal(modified) {
		t.Errorf("%d bytes, %s, %v", o.Size(), sum, o.ModTime(t.Context()))
	}
}

func TestUploadCalls(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 3<<16)
	for name, test := range map[string]struct {
		server func(s *server)
		data   string
		calls  string
		sent   int
	}{
		"new":   {func(*server) {}, "abc", "upload/create_file upload/upload_file_chunk upload/close_file_upload", 3},
		"empty": {func(*server) {}, "", "upload/create_file upload/close_file_upload", 0},
		"large": {func(*server) {}, large, "upload/create_file upload/upload_file_chunk upload/close_file_upload", len(large)},
		"known": {func(s *server) { s.known[sumOf([]byte("abc"))] = true }, "abc", "upload/create_file upload/close_file_upload", 0},
		"known no more": {
			func(s *server) {
				s.known[sumOf([]byte("abc"))] = true
				s.before = func(call string, count int) (int, string) {
					if call == "upload/close_file_upload" && count == 1 {
						return 400, "Invalid value specified for `temp_location`"
					}
					return 0, ""
				}
			}, "abc", "upload/create_file upload/close_file_upload upload/upload_file_chunk upload/close_file_upload", 3,
		},
		"creation gives no place": {
			func(s *server) { s.noLocation = true }, "abc",
			"upload/create_file upload/open_file_upload upload/upload_file_chunk upload/close_file_upload", 3,
		},
		"creation gives a bad place": {
			func(s *server) { s.badLocation = true }, "abc",
			"upload/create_file upload/upload_file_chunk upload/open_file_upload upload/upload_file_chunk upload/close_file_upload", 6,
		},
		"creation gives a bad place, empty": {
			func(s *server) { s.badLocation = true }, "",
			"upload/create_file upload/close_file_upload upload/open_file_upload upload/close_file_upload", 0,
		},
		"there": {
			func(s *server) { s.has(rootID, "A", "old content") }, "abc",
			"upload/create_file upload/create_file upload/upload_file_chunk upload/close_file_upload", 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				test.server(s)
				o, err := uploaded(t.Context(), on(t, s), "a", test.data, modified)
				checks.OK(t, err)
				is(t, s, o, test.data)
				sent := s.sent
				if calls := s.made(); calls != test.calls || sent != test.sent {
					t.Errorf("%d bytes, %s", sent, calls)
				}
				if len(s.files) != 1 {
					t.Error(s.holds(rootID))
				}
			})
		})
	}
}

// The bytes of a file of several chunks do not come twice, so its place is asked for until a smaller file has shown that none need be.
func TestAPlaceForSeveralChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat("0123456789abcdef", 3<<16)
		s := newServer()
		d := on(t, s)
		d.options.ChunkSize = 1 << 20
		opened := false
		refuse := func(call string, _ int) (int, string) {
			opened = opened || call == "upload/open_file_upload"
			if call == "upload/close_file_upload" && !opened {
				return 404, "Temporary file not found"
			}
			return 0, ""
		}
		s.before = refuse
		put := func(name, data, want string) {
			t.Helper()
			s.made()
			o, err := uploaded(t.Context(), d, name, data, modified)
			checks.OK(t, err)
			is(t, s, o, data)
			if calls := s.made(); calls != want {
				t.Errorf("%s: %s", name, calls)
			}
		}
		const chunks = "upload/upload_file_chunk upload/upload_file_chunk upload/upload_file_chunk upload/close_file_upload"
		put("a", large, "upload/create_file upload/open_file_upload "+chunks)
		s.before = nil
		put("b", large, "upload/create_file upload/open_file_upload "+chunks)
		put("c", "abc", "upload/create_file upload/upload_file_chunk upload/close_file_upload")
		put("d", large, "upload/create_file "+chunks)
		// It takes none any more: the file that finds it out may fail, and no other.
		opened = false
		s.before = refuse
		_, err := uploaded(t.Context(), d, "e", large, modified)
		checks.HasKind(t, err, fault.NotFound)
		put("f", large, "upload/create_file upload/open_file_upload "+chunks)
		// Nor does it when the bytes are refused at once.
		s.before = nil
		put("g", "abcd", "upload/create_file upload/upload_file_chunk upload/close_file_upload")
		s.badLocation = true
		put("h", large, "upload/create_file upload/upload_file_chunk upload/open_file_upload "+chunks)
		put("i", large, "upload/create_file upload/open_file_upload "+chunks)
	})
}

// A place that has made another file of the bytes shows nothing.
func TestAPlaceThatTakesOtherBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		lies := true
		d := on(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := s.RoundTrip(req)
			if err != nil || !lies || !strings.Contains(req.URL.Path, "close_file_upload") {
				return resp, err
			}
			lies = false
			return answer(req, 200, `{"Size":3,"FileHash":"`+emptyMD5+`","DateModified":1600000000,"Access":0}`), nil
		}))
		d.options.ChunkSize = 1 << 20
		_, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.OK(t, err)
		s.made()
		_, err = uploaded(t.Context(), d, "b", strings.Repeat("0123456789abcdef", 3<<16), modified)
		checks.OK(t, err)
		if calls := s.made(); lies || !strings.HasPrefix(calls, "upload/create_file upload/open_file_upload ") {
			t.Error(lies, calls)
		}
	})
}

// An upload that is cancelled leaves nothing, whichever call it was at.
func TestCancelledUpload(t *testing.T) {
	for _, at := range []string{"upload/create_file", "upload/open_file_upload", "upload/upload_file_chunk", "upload/close_file_upload"} {
		for name, old := range map[string]string{"new": "", "replaced": "old content"} {
			t.Run(at+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer()
					s.noLocation = true
					expected := ""
					if old != "" {
						s.has(rootID, "A", old)
						expected = "A=" + old
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s.before = func(call string, _ int) (int, string) {
						if call == at {
							cancel()
						}
						return 0, ""
					}
					_, err := uploaded(ctx, on(t, s), "a", "abc", modified)
					// What was there is replaced once the close has arrived.
					if old != "" && at == "upload/close_file_upload" {
						expected = "A=abc"
					}
					if !errors.Is(err, context.Canceled) || s.holds(rootID) != expected {
						t.Errorf("%q: %v", s.holds(rootID), err)
					}
				})
			})
		}
	}
}

// A chunk that arrived is not sent again because its answer was lost, and nothing is sent twice when it did not.
func TestLostChunkAnswer(t *testing.T) {
	data := strings.Repeat("0123456789abcdef", 5<<16)
	for name, test := range map[string]struct {
		server func(s *server)
		most   int
	}{
		"first": {func(s *server) {
			s.lose = func(call string, count int) bool { return call == "upload/upload_file_chunk" && count == 1 }
		}, len(data) + 1},
		"every second": {func(s *server) {
			s.lose = func(call string, count int) bool { return call == "upload/upload_file_chunk" && count%2 == 1 }
		}, len(data) + 10},
		"did not arrive": {func(s *server) {
			s.before = func(call string, count int) (int, string) {
				if call == "upload/upload_file_chunk" && count == 1 {
					return 502, "<html>"
				}
				return 0, ""
			}
		}, 2 * len(data)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				test.server(s)
				d := on(t, s)
				d.options.ChunkSize = 2 << 20
				o, err := uploaded(t.Context(), d, "a", data, modified)
				checks.OK(t, err)
				is(t, s, o, data)
				if s.sent > test.most || s.holds(rootID) != "a="+data {
					t.Errorf("%d bytes of %d: %s", s.sent, len(data), s.made())
				}
			})
		})
	}
}

// A failed upload leaves what was there, and nothing where nothing was.
func TestFailedUploads(t *testing.T) {
	for _, old := range []string{"", "old content"} {
		for _, call := range []string{"upload/create_file", "upload/upload_file_chunk", "upload/close_file_upload", "reading"} {
			for _, size := range []int{3, 5 << 20} {
				t.Run(fmt.Sprint(call, " ", old, " ", size), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newServer()
						want := ""
						if old != "" {
							s.has(rootID, "a", old)
							want = "a=" + old
						}
						s.before = func(name string, _ int) (int, string) {
							if name == call {
								return 507, "No space left"
							}
							return 0, ""
						}
						kind := fault.NoSpace
						var in io.Reader = strings.NewReader(strings.Repeat("y", size))
						if call == "reading" {
							in, kind = io.MultiReader(io.LimitReader(in, int64(size-1)), broken{context.Canceled}), fault.Cancelled
						}
						d := on(t, s)
						d.options.ChunkSize = 2 << 20
						o, err := PutOn(d.remote)(t.Context(), in, object.NewStaticObjectInfo("a", modified, int64(size), true, nil, nil))
						checks.HasKind(t, err, kind)
						if o != nil || s.holds(rootID) != want {
							t.Errorf("%v, %s: %s", o, s.holds(rootID), s.made())
						}
						if memory.uploads != 0 || !memory.TryAcquire(chunkMemory) {
							t.Fatal("memory is kept")
						}
						memory.Release(chunkMemory)
					})
				})
			}
		}
	}
}

// A creation whose answer was lost finds its own file, and is not in the way of itself.
func TestLostCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.lose = func(call string, count int) bool { return call == "upload/create_file" && count == 1 }
		s.before = func(call string, _ int) (int, string) {
			if call == "upload/upload_file_chunk" {
				return 507, "No space left"
			}
			return 0, ""
		}
		_, err := uploaded(t.Context(), on(t, s), "a", "abc", modified)
		checks.HasKind(t, err, fault.NoSpace)
		if s.holds(rootID) != "" {
			t.Error(s.holds(rootID), s.made())
		}
	})
}

func TestNamesThatTheDriveChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.trim = true
		d := on(t, s)
		_, err := uploaded(t.Context(), d, "\u3000name\u3000", "abc", modified)
		if checks.HasKind(t, err, fault.Unsupported); !strings.Contains(err.Error(), `calls it "name"`) || s.holds(rootID) != "" {
			t.Error(err, s.holds(rootID))
		}
		// The one that is there is somebody's.
		s.has(rootID, "name", "old")
		_, err = uploaded(t.Context(), d, "\u3000name", "abc", modified)
		if checks.HasKind(t, err, fault.Unsupported); s.holds(rootID) != "name=old" {
			t.Error(s.holds(rootID))
		}
		// Composed and decomposed is one name.
		for _, name := range []string{"e\u0301", "Ünï"} {
			_, err = uploaded(t.Context(), d, name, "abc", modified)
			checks.OK(t, err)
		}
	})
}

func TestTimesThatTheDriveRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		o, err := uploaded(t.Context(), d, "a", "abc", time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC))
		checks.OK(t, err)
		if got := o.ModTime(t.Context()); got.Unix() != 0 || s.files[ID(o)].modified != 0 {
			t.Error(got)
		}
		kept, err := SetTime(t.Context(), d.remote, o, time.Unix(-5, 0))
		checks.OK(t, err)
		if kept.Unix() != 0 {
			t.Error(kept)
		}
		// One that it refuses for another reason.
		s.before = func(call string, _ int) (int, string) {
			if call == "file/filesettings" {
				return 400, "Invalid value specified for `file_modification_time`"
			}
			return 0, ""
		}
		before := o.ModTime(t.Context())
		kept, err = SetTime(t.Context(), d.remote, o, time.Unix(1<<40, 0))
		checks.OK(t, err)
		if !kept.Equal(before) {
			t.Error(kept)
		}
	})
}

// Time and access that the end of the upload did not set are set in one call.
func TestSettingsInOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		d.options.Access = "hidden"
		o, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.OK(t, err)
		is(t, s, o, "abc")
		if calls := s.made(); calls != "upload/create_file upload/upload_file_chunk upload/close_file_upload file/filesettings" || s.files[ID(o)].access != 2 {
			t.Error(calls)
		}
	})
}

func TestUploadsThatCannotFit(t *testing.T) {
	for name, test := range map[string]struct {
		account string
		size    int64
		kind    fault.Kind
		says    string
	}{
		"plan":      {`{"MaxStorage":"5000000","StorageUsed":"0","MaxFileSize":"100"}`, 200 << 20, fault.Unsupported, "at most 100 MB"},
		"room":      {`{"MaxStorage":5120,"StorageUsed":"5300000000","MaxFileSize":0}`, 200 << 20, fault.TooLarge, "has 65 MB left"},
		"not told":  {`{}`, 200 << 20, fault.Cancelled, ""},
		"unlimited": {`{"MaxFileSize":""}`, 200 << 20, fault.Cancelled, ""},
		"small":     {`{"MaxFileSize":"1"}`, 50 << 20, fault.Cancelled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				s.account = test.account
				_, err := PutOn(on(t, s).remote)(t.Context(), broken{context.Canceled}, object.NewStaticObjectInfo("a", modified, test.size, true, nil, nil))
				checks.HasKind(t, err, test.kind)
				if !strings.Contains(err.Error(), test.says) || strings.Contains(s.made(), "create") {
					t.Error(err)
				}
			})
		})
	}
}

// With many uploads at once each keeps less.
func TestChunkSizes(t *testing.T) {
	if got := chunkSize(10<<20, 1<<40); got != 10<<20 {
		t.Error(got)
	}
	leaves := []func(){}
	for range 100 {
		leaves = append(leaves, shareMemory())
	}
	if got := chunkSize(10<<20, 1<<40); got != 1<<20 {
		t.Error(got)
	}
	for _, leave := range leaves {
		leave()
		leave()
	}
	if got := chunkSize(4<<20, 1<<40); got != 4<<20 {
		t.Error(got)
	}
}

// A request that is over reads nothing of what the memory is used for next.
func TestReleasedChunk(t *testing.T) {
	data := strings.Repeat("0123456789", 300_000)
	c, err := largeChunk(t.Context(), strings.NewReader(data), int64(len(data)))
	checks.OK(t, err)
	part, err := io.ReadAll(c.section(1<<20-5, 1<<20+5))
	checks.OK(t, err)
	if string(part) != data[1<<20-5:1<<20+5] {
		t.Errorf("%q", part)
	}
	reader := c.section(0, c.length)
	c.release()
	c.release()
	if _, err := reader.Read(make([]byte, 1)); !errors.Is(err, errReleased) {
		t.Error(err)
	}
}

var _ http.RoundTripper = (*server)(nil)

// Whoever gives up while the drive does not answer leaves at once, whatever the call.
func TestCancelledUploads(t *testing.T) {
	for _, call := range []string{"create_file", "upload_file_chunk", "close_file_upload"} {
		for _, size := range []int{50_000, 30 << 20} {
			t.Run(fmt.Sprint(call, " ", size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer()
					d := on(t, roundTrip(func(req *http.Request) (*http.Response, error) {
						if strings.Contains(req.URL.Path, call) {
							<-req.Context().Done()
							return nil, req.Context().Err()
						}
						return s.RoundTrip(req)
					}))
					ctx, cancel := context.WithCancel(t.Context())
					in, out := io.Pipe()
					go func() { _, _ = out.Write(make([]byte, size)) }()
					result := checks.Started(func() error {
						_, err := PutOn(d.remote)(ctx, in, object.NewStaticObjectInfo("a", modified, int64(size), true, nil, nil))
						return err
					})
					time.Sleep(time.Minute)
					begun := time.Now()
					cancel()
					_ = out.CloseWithError(errors.New("aborted"))
					if err := <-result; err == nil || time.Since(begun) != 0 {
						t.Error(err, time.Since(begun))
					}
				})
			})
		}
	}
}
