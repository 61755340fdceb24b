package audio

import (
	"errors"
	"io"
	"sync/atomic"

	"rubato/player"
)

// reel is a sound that a test makes up. Frame i of passage p is note(p, i).
type reel struct {
	passage int64
	at      int64
	length  int64
	breaks  int64         // the frame at which reading fails; 0: never
	ends    int64         // the frame after which the file ends early; 0: at its end
	gate    chan struct{} // each read waits for it; nil: none
	closed  *atomic.Int64
}

var errBroken = errors.New("the reel is broken")

// note is never silence.
func note(passage, i int64) player.Frame {
	h := player.DigestWord(uint64(passage), uint64(i))
	return player.Frame{float32(int16(h>>32)|1) / 65_536, float32(int16(h>>48)|1) / 65_536}
}

func (r *reel) Read(into []player.Frame) (int, error) {
	if r.gate != nil {
		<-r.gate
	}
	end := r.length
	if r.ends > 0 {
		end = r.ends
	}
	for i := range into {
		if r.at == end {
			return i, io.EOF
		}
		if r.breaks > 0 && r.at == r.breaks {
			return i, errBroken
		}
		into[i] = note(r.passage, r.at)
		r.at++
	}
	return len(into), nil
}

func (r *reel) Missing() int64 { return 0 }

func (r *reel) Close() error {
	r.closed.Add(1)
	return nil
}

// reels open a reel for each passage and count those that are open.
type reels struct {
	opened, closed atomic.Int64
	gate           chan struct{}
	change         func(*reel)
	refuse         func(passage int64) bool
}

func (rs *reels) open(cut player.Cut) (Sound, error) {
	if rs.refuse != nil && rs.refuse(cut.Passage) {
		return nil, errBroken
	}
	rs.opened.Add(1)
	r := &reel{passage: cut.Passage, length: cut.Frames(), gate: rs.gate, closed: &rs.closed}
	if rs.change != nil {
		rs.change(r)
	}
	return r, nil
}

// cutOf is a passage of so many frames that leads in and out for lead frames.
func cutOf(passage, length, lead int64) player.Cut {
	return player.Cut{
		Passage: passage, File: "reel", End: player.Ticks(length) * player.TicksPerFrame,
		LeadIn: player.Ticks(lead) * player.TicksPerFrame, LeadOut: player.Ticks(lead) * player.TicksPerFrame,
	}
}

// kept is an output that keeps all.
type kept struct {
	frames []player.Frame
	closed bool
	err    error
}

func (k *kept) Write(f []player.Frame) error {
	k.frames = append(k.frames, f...)
	return k.err
}

func (k *kept) Close() error {
	k.closed = true
	return k.err
}
