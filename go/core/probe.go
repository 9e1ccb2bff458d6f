package core

import (
	"context"

	"bridge/drive"
	"bridge/fault"
)

type probeOut struct {
	// Folder is the name of the scratch folder that the probe will make.
	Folder string `json:"folder"`
	// Plan is what kind of account it is, "" if that is not known.
	Plan   string             `json:"plan"`
	Points []drive.ProbePoint `json:"points"`
}

type probePointIn struct {
	Remote uint64 `json:"remote"`
	Point  int    `json:"point"`
	Call   uint64 `json:"call"`
}

func init() {
	register(Prefix+"probe", probe)           // prepare a probe of a remote, whose base must be there
	register(Prefix+"probebegin", probeBegin) // make the scratch folder of a remote's probe
	register(Prefix+"probepoint", probePoint) // ask the drive one question of a remote's probe
	register(Prefix+"probeend", probeEnd)     // remove the scratch folder of a remote's probe
}

func probe(_ context.Context, in remoteIn) (probeOut, error) {
	r, ctx, done, err := begin(in.Remote, in.Call)
	if err != nil {
		return probeOut{}, err
	}
	defer done()
	p, err := drive.NewProbe(ctx, r.fs)
	if err != nil {
		return probeOut{}, fault.As(err, "")
	}
	// Another one would forget the folder that the first has made.
	if !r.probe.CompareAndSwap(nil, p) {
		return probeOut{}, fault.New(fault.Handle, "", "this remote is being probed already")
	}
	return probeOut{Folder: p.Folder, Plan: p.Plan, Points: drive.ProbePoints()}, nil
}

// onProbe runs a call on a remote's probe.
func onProbe[Out any](handle, call uint64, do func(p *drive.Probe, ctx context.Context) (Out, error)) (out Out, err error) {
	r, ctx, done, err := begin(handle, call)
	if err != nil {
		return out, err
	}
	defer done()
	p := r.probe.Load()
	if p == nil {
		return out, fault.New(fault.Handle, "", "this remote is not being probed")
	}
	if out, err = do(p, ctx); err != nil {
		err = fault.As(err, "")
	}
	return out, err
}

func probeBegin(_ context.Context, in remoteIn) (empty, error) {
	return onProbe(in.Remote, in.Call, func(p *drive.Probe, ctx context.Context) (empty, error) { return empty{}, p.Begin(ctx) })
}

func probePoint(_ context.Context, in probePointIn) (drive.ProbeReport, error) {
	return onProbe(in.Remote, in.Call, func(p *drive.Probe, ctx context.Context) (drive.ProbeReport, error) { return p.Ask(ctx, in.Point) })
}

func probeEnd(_ context.Context, in remoteIn) (empty, error) {
	return onProbe(in.Remote, in.Call, func(p *drive.Probe, ctx context.Context) (empty, error) { return empty{}, p.End(ctx) })
}
