package drive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// probeLarge is the size of a file that is not sent whole while nobody reads it, in bytes.
	probeLarge = 8 << 20
	// probeOpen is how many downloads are open at once before one too many.
	probeOpen = 6
	// probeFree is how often it is looked whether the place of a download is free again.
	probeFree = 5
)

var downloadPoints = probeQuestions{{
	Number:   7,
	Question: "Seven downloads at once, and whether one that stalls counts",
	Assumption: `six are let in, also if nobody reads them; the seventh gets 429 "Too many downloads from same IP" without Retry-After; ` +
		"the place of one that is given up is free within two seconds",
	// The upload, seven downloads, and one more when a place is free; each may be sent whole.
	MaxBytes: 9*probeLarge + smallTraffic,
	ask:      askDownloads,
}}

// probeDownload is one that is open.
type probeDownload struct {
	body   io.ReadCloser
	cancel context.CancelFunc
}

// close gives a download up.
func (d *probeDownload) close() {
	if d.body != nil {
		d.cancel()
		_ = d.body.Close()
		d.body = nil
	}
}

// drain reads a download to its end.
func (d *probeDownload) drain() error {
	_, err := io.Copy(io.Discard, d.body)
	return err
}

// begin asks for a file and reads its first byte. Without an error, there is a download or a refusal.
func (t *trial) begin(ctx context.Context, id, about string) (*probeDownload, *probeReply, error) {
	call := probeCall{
		method: http.MethodGet, path: downloadPath + url.PathEscape(id), about: about,
		query: url.Values{"session_id": {t.drive.id}},
	}
	ctx, cancel := context.WithCancel(ctx)
	begun := time.Now()
	answer, err := t.send(ctx, call)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	failed := answer.StatusCode >= 300 || strings.Contains(answer.Header.Get("Content-Type"), "json")
	if failed {
		defer cancel()
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(&spending{answer.Body, t})
		return nil, t.read(call, answer, body, time.Since(begun)), err
	}
	d := &probeDownload{body: answer.Body, cancel: cancel}
	first := make([]byte, 1)
	// The whole of it is paid for now: it may be sent, whether it is read or not.
	if err = t.spend(probeLarge); err == nil {
		_, err = io.ReadFull(d.body, first)
	}
	if err != nil {
		d.close()
		return nil, nil, err
	}
	t.takeDown(&probeReply{ProbeAnswer: &ProbeAnswer{
		Call: call.name(), About: about, Times: 1, Status: answer.StatusCode, Form: "bytes", Fields: []string{}, Ms: time.Since(begun).Milliseconds(),
	}})
	return d, nil, nil
}

func askDownloads(ctx context.Context, t *trial) (conclusion, error) {
	id, _, err := t.store(ctx, t.folder, "large", "", probeNoise(probeLarge), nil)
	if err != nil {
		return conclusion{}, err
	}
	open := []*probeDownload{}
	defer func() {
		for _, d := range open {
			d.close()
		}
	}()
	for range probeOpen {
		d, refused, err := t.begin(ctx, id, "one of six, not read on")
		if err != nil {
			return conclusion{}, err
		}
		if refused != nil {
			return unclear("only %d were let in at once, the next was refused with %s: does something else download at this address? Then try again later",
				len(open), refused.refusal())
		}
		open = append(open, d)
	}
	seventh, refused, err := t.begin(ctx, id, "the seventh, while six are not read on")
	if err != nil {
		return conclusion{}, err
	}
	if refused == nil {
		open = append(open, seventh)
		return t.askFlowing(ctx, id, open)
	}
	open[0].close()
	free, err := t.untilFree(ctx, id)
	if err != nil {
		return conclusion{}, err
	}
	text := fmt.Sprintf("the seventh was refused with %s; %s", refused.refusal(), free)
	if refused.RetryAfter {
		text += "; the refusal has a Retry-After"
	}
	asAssumed := refused.Status == http.StatusTooManyRequests && strings.Contains(refused.message, "Too many downloads") && !refused.RetryAfter
	if asAssumed && free == freeAtOnce {
		return holds("%s", text)
	}
	return differs("%s", text)
}

const freeAtOnce = "the place of one that was given up was free within two seconds"

// untilFree looks how soon the place of a download that was given up is free.
func (t *trial) untilFree(ctx context.Context, id string) (string, error) {
	begun := time.Now()
	for try := range probeFree {
		d, refused, err := t.begin(ctx, id, "when one of six was given up")
		if err != nil {
			return "", err
		}
		if refused == nil {
			d.close()
			if time.Since(begun) < 2*time.Second {
				return freeAtOnce, nil
			}
			return fmt.Sprintf("the place of one that was given up was free after %.0f s", time.Since(begun).Seconds()), nil
		}
		if err := pause(ctx, time.Duration(try+1)*probePause/2); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("the place of one that was given up was not free within %.0f s", time.Since(begun).Seconds()), nil
}

// askFlowing tries one more while all that are open are read on.
func (t *trial) askFlowing(ctx context.Context, id string, open []*probeDownload) (conclusion, error) {
	var readers sync.WaitGroup
	for _, d := range open {
		readers.Go(func() { _ = d.drain() })
	}
	eighth, refused, err := t.begin(ctx, id, "the eighth, while seven are read on")
	if eighth != nil {
		eighth.close()
	}
	for _, d := range open {
		d.cancel()
	}
	readers.Wait()
	switch {
	case err != nil:
		return conclusion{}, err
	case refused != nil:
		return differs("seven were let in while nobody read them; an eighth, while they were read on, was refused with %s", refused.refusal())
	}
	return differs("eight were let in at once")
}
