package drive

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// patience is how long one request is made again, and what was waited so far.
type patience struct {
	drive  *Drive
	folder string
	// begun is when the drive first said to wait, refused when it first refused a write; it is later by as long as all calls were
	// held back since.
	begun, refused time.Time
	next           time.Duration
}

// after tells whether a request that was refused so is made again, and after which wait.
func (p *patience) after(r refusal) (wait time.Duration, again bool) {
	limit, begun := time.Duration(0), &p.begun
	switch {
	case r.throttled():
		limit = throttlePatience
	case r.viewOnly():
		if p.drive.refusals.final(p.folder) {
			return 0, false
		}
		limit, begun = writePatience, &p.refused
	case r.status == http.StatusNotFound:
		left, fresh := p.drive.fresh.left(r.request)
		if !fresh {
			return 0, false
		}
		p.next = pauseAfter(max(p.next, unknownPause/2), maxUnknownPause)
		return min(p.next, left), true
	default:
		return 0, false
	}
	now := time.Now()
	if begun.IsZero() {
		*begun, p.next = now, persistPause/2
		if r.throttled() {
			p.next = throttlePause / 2
		}
	}
	if now.Sub(*begun) >= limit {
		if r.viewOnly() {
			p.drive.refusals.believe(p.folder)
		}
		return 0, false
	}
	p.next = pauseAfter(p.next, maxPersistPause)
	return min(max(jittered(p.next), retryAfter(r.header)), limit-now.Sub(*begun)), true
}

// excuse takes out of the time for which a write was refused how long all calls were held back: that says nothing of the folder.
func (p *patience) excuse(held time.Duration) {
	if !p.refused.IsZero() {
		p.refused = p.refused.Add(held)
	}
}

// throttled tells whether a request was one too many. Too many downloads are counted elsewhere, or had in another way: others go on.
func (r refusal) throttled() bool {
	switch r.status {
	case http.StatusTooManyRequests:
		path := r.request.URL.Path
		download := strings.Contains(path, downloadPath) || strings.HasSuffix(path, archivePath)
		return !download || !strings.Contains(strings.ToLower(r.message), "too many downloads")
	case http.StatusForbidden:
		return isRateLimit(r.message)
	}
	return false
}

// isRateLimit tells whether an answer 403 says that there are too many calls.
func isRateLimit(message string) bool {
	lower := strings.ToLower(message)
	return strings.Contains(lower, "rate limit") || strings.Contains(lower, "too many requests")
}

// viewOnly tells whether a write was refused with the sentence that the drive has both for a folder that may not be
// written to and, for some seconds, at random.
func (r refusal) viewOnly() bool {
	return r.status == http.StatusForbidden && r.request.Method != http.MethodGet && strings.Contains(strings.ToLower(r.message), "only to view")
}

// refusals are what is known of writes that the drive refuses.
type refusals struct {
	mu sync.Mutex
	// good are folders that were written to, bad those where writes were refused to the end.
	good, bad map[string]bool
}

// maxRefusals bounds what is remembered.
const maxRefusals = 1 << 12

// worked takes note of a write that succeeded.
func (r *refusals) worked(req *http.Request, folder string) {
	if req.Method == http.MethodGet {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// Of calls that are not about what is in a folder all are alike.
	delete(r.bad, "")
	if folder != "" {
		r.good = remember(r.good, folder)
		delete(r.bad, folder)
	}
}

func (r *refusals) believe(folder string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = remember(r.bad, folder)
}

// final tells whether a refusal in a folder is believed at once: nothing was ever written there, and it was
// tried long enough before.
func (r *refusals) final(folder string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bad[folder] && !r.good[folder]
}

func remember(known map[string]bool, folder string) map[string]bool {
	if known == nil || len(known) >= maxRefusals {
		known = map[string]bool{}
	}
	known[folder] = true
	return known
}

// fresh are files and folders that were made just now: the drive may not find them for a moment.
type fresh struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (f *fresh) add(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for known, until := range f.until {
		if now.After(until) {
			delete(f.until, known)
		}
	}
	if f.until == nil {
		f.until = map[string]time.Time{}
	}
	f.until[id] = now.Add(freshPatience)
}

// left is how long what a request names may still be unknown to the drive; false if it is not new, or long enough
// there by now.
func (f *fresh) left(req *http.Request) (left time.Duration, found bool) {
	// What these do not find is the place for the bytes.
	if slices.ContainsFunc([]string{"open_file_upload", "upload_file_chunk", "close_file_upload"}, func(call string) bool { return strings.Contains(req.URL.Path, call) }) {
		return 0, false
	}
	text := req.URL.Path
	if body, ok := once(req); ok && body.Body != nil {
		head, _ := io.ReadAll(io.LimitReader(body.Body, answerHead))
		_ = body.Body.Close()
		text += string(head)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, until := range f.until {
		if names(text, id) {
			left = max(left, time.Until(until))
		}
	}
	return left, left > 0
}

// names tells whether an id stands in a text by itself.
func names(text, id string) bool {
	for from := 0; id != ""; {
		at := strings.Index(text[from:], id)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(id)
		if (at == 0 || !isWord(text[at-1])) && (end == len(text) || !isWord(text[end])) {
			return true
		}
		from = at + 1
	}
	return false
}

func isWord(b byte) bool {
	return b == '_' || b == '-' || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z')
}

type folderKey struct{}

// inFolder marks calls as writes into a folder, by its id.
func inFolder(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, folderKey{}, id)
}

func folderOf(ctx context.Context) string {
	id, _ := ctx.Value(folderKey{}).(string)
	return id
}
