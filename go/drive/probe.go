package drive

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// ProbePrefix begins the name of the scratch folder of a probe.
const ProbePrefix = "plakar-opendrive-probe-"

// probeNamesakes is how many folders of the scratch folder's name are removed at most: a drive that is asked
// twice may make two.
const probeNamesakes = 4

// Verdict tells whether what this product assumes of a drive was found to be so.
type Verdict string

// The verdicts on a point.
const (
	Holds   Verdict = "holds"   // the drive does what is assumed
	Differs Verdict = "differs" // it does something else
	Noted   Verdict = "noted"   // nothing is assumed; this is what it does
	Unclear Verdict = "unclear" // the drive did not let it be found out
)

// ProbePoint is a question about OpenDrive that only a real account can answer.
type ProbePoint struct {
	// Number is that of the list of open questions; it never means another question.
	Number   int    `json:"point"`
	Question string `json:"question"`
	// Assumption is what this product counts on.
	Assumption string `json:"assumption"`
	// MaxBytes is the most traffic that it may need, both ways. It is kept to.
	MaxBytes int64 `json:"maxBytes"`
	ask      func(context.Context, *trial) (conclusion, error)
}

// ProbeReport is what the drive answered to one question.
type ProbeReport struct {
	Verdict Verdict `json:"verdict"`
	// Found is one sentence about what the drive does.
	Found   string        `json:"found"`
	Answers []ProbeAnswer `json:"answers"`
	Calls   int           `json:"calls"`
	// Bytes is the traffic, both ways.
	Bytes int64 `json:"bytes"`
}

type conclusion struct {
	verdict Verdict
	found   string
}

func holds(format string, with ...any) (conclusion, error) {
	return conclusion{Holds, fmt.Sprintf(format, with...)}, nil
}

func differs(format string, with ...any) (conclusion, error) {
	return conclusion{Differs, fmt.Sprintf(format, with...)}, nil
}

func noted(format string, with ...any) (conclusion, error) {
	return conclusion{Noted, fmt.Sprintf(format, with...)}, nil
}

func unclear(format string, with ...any) (conclusion, error) {
	return conclusion{Unclear, fmt.Sprintf(format, with...)}, nil
}

// ProbePoints are all questions, in the order in which they are asked.
func ProbePoints() []ProbePoint {
	return slices.Concat(uploadPoints, folderPoints, downloadPoints, namePoints, accountPoints).sorted()
}

type probeQuestions []ProbePoint

func (p probeQuestions) sorted() []ProbePoint {
	slices.SortFunc(p, func(a, b ProbePoint) int { return a.Number - b.Number })
	return p
}

// Probe asks a drive the questions, in a scratch folder of its own below the remote's base.
type Probe struct {
	drive *Drive
	// client sends calls as they are, and gives answers as they come.
	client *rest.Client
	// Folder is the name of the scratch folder.
	Folder string
	// Plan is what kind of account it is, by the login's answer; "" if that says nothing fit to be shown.
	Plan string

	// turn lets the scratch folder be removed only when nothing is asked in it any more.
	turn sync.Mutex
	// base and scratch are ids of folders; scratch is "" while there is none that is known.
	base, scratch string
	// begun is set before the scratch folder is made: from then on it may be there.
	begun bool
	// removed is set when a scratch folder was removed.
	removed bool
	hidden  probeHidden
}

// NewProbe prepares a probe of a remote that is on OpenDrive, or wraps such a one. Its base must be there.
func NewProbe(ctx context.Context, f fs.Fs) (*Probe, error) {
	remote := Of(f)
	if remote == nil {
		return nil, fault.New(fault.Unsupported, "", "this remote is not on OpenDrive, which is what a probe asks about")
	}
	drive, err := of(remote)
	if err != nil {
		return nil, err
	}
	client, err := drive.plainClient()
	if err != nil {
		return nil, err
	}
	if err := drive.dirs().FindRoot(ctx, false); err != nil {
		return nil, err
	}
	base, err := drive.dirs().RootID(ctx, false)
	if err != nil {
		return nil, err
	}
	unique := make([]byte, 3)
	// It cannot fail (crypto/rand.Read).
	_, _ = rand.Read(unique)
	p := &Probe{drive: drive, client: client, base: base}
	p.Folder = ProbePrefix + time.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(unique)
	if plan := drive.session.UserPlan; plainWord.MatchString(plan) {
		p.Plan = plan
	}
	p.hidden.add(drive.options.UserName, drive.id, base)
	p.hidden.add(strings.Split(*drive.root, "/")...)
	return p, nil
}

// Begin makes the scratch folder.
func (p *Probe) Begin(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.begun = true
	var err error
	p.scratch, err = p.drive.createFolder(ctx, p.base, p.Folder)
	p.hidden.add(p.scratch)
	return err
}

// Ask asks one question. It is an error only if there is no such question or the call is cancelled: a drive that
// answers badly, or not at all, makes the point unclear.
func (p *Probe) Ask(ctx context.Context, number int) (ProbeReport, error) {
	all := ProbePoints()
	at := slices.IndexFunc(all, func(point ProbePoint) bool { return point.Number == number })
	if at < 0 {
		return ProbeReport{}, fault.New(fault.Config, "", fmt.Sprintf("there is no point %d", number))
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	if p.scratch == "" {
		return ProbeReport{}, fault.New(fault.Handle, "", "there is no scratch folder to ask in")
	}
	t := &trial{Probe: p, budget: all[at].MaxBytes, answers: []ProbeAnswer{}}
	var err error
	end := conclusion{}
	if t.folder, err = t.makeFolder(ctx, p.scratch, fmt.Sprintf("point-%d", number), 0); err == nil {
		end, err = all[at].ask(ctx, t)
	}
	if ctx.Err() != nil {
		return ProbeReport{}, ctx.Err()
	}
	if err != nil {
		end, _ = unclear("%s", p.explain(err))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return ProbeReport{Verdict: end.verdict, Found: end.found, Answers: t.answers, Calls: t.calls, Bytes: t.traffic}, nil
}

// explain tells why a question was left open. What is not in our own words loses what must not be shown.
func (p *Probe) explain(err error) string {
	var refused *refusedError
	var silent *noAnswerError
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &silent):
		return fmt.Sprintf("%s: no answer: %s", silent.call, p.hidden.sentence(fault.Message(silent.cause)))
	}
	return p.hidden.sentence(fault.Message(err))
}

// End removes the scratch folder with all that is in it. There being none is no error.
func (p *Probe) End(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	if !p.begun {
		return nil
	}
	id := p.scratch
	for range probeNamesakes {
		if id == "" {
			// The answer to its creation was lost, or there may be a second one.
			found, err := p.find(ctx)
			if err != nil {
				return err
			}
			if found == "" {
				p.begun = false
				return nil
			}
			id = found
		}
		if err := p.remove(ctx, id); err != nil {
			return err
		}
		p.scratch, p.removed, id = "", true, ""
	}
	return fault.New(fault.Other, "", "the drive says that it is removed, and finds it all the same")
}

// find looks for the scratch folder by its name, and gives its id, "" if it is not there.
func (p *Probe) find(ctx context.Context) (string, error) {
	t := &trial{Probe: p, folder: p.base, budget: smallTraffic}
	if r, err := t.do(ctx, t.byName(p.Folder, "")); err == nil && r.ok() {
		for _, found := range r.list("Folders") {
			// It is removed with all that is in it.
			if found.text("Name") == p.Folder {
				return found.text("FolderID"), nil
			}
		}
		// A new name is not found for a while, but one that was removed has been there.
		if p.removed {
			return "", nil
		}
	}
	id, there, err := p.drive.remote.FindLeaf(ctx, p.base, p.Folder)
	if !there {
		id = ""
	}
	return id, err
}

func (p *Probe) remove(ctx context.Context, id string) error {
	request := struct {
		Session string `json:"session_id"`
		Folder  string `json:"folder_id"`
	}{p.drive.id, id}
	_, err := p.drive.post(ctx, "/folder/remove.json", &request, nil)
	var refusal *opendrive.Error
	if errors.As(err, &refusal) && (fault.As(err, "").Kind == fault.NotFound || strings.Contains(refusal.Info.Message, "already deleted")) {
		// A lost answer to the first try.
		return nil
	}
	return err
}
