package audio

import "rubato/player"

// fade is how a cut begins and ends. Frame i of n has the loudness of t = i/n, in
// both directions: where the fade-out of one passage and the fade-in of the next
// are as long, what comes and what goes add up.
type fade struct {
	in, out           int64 // frames; out is the last ones
	from              int64 // where the fade-out begins
	inCurve, outCurve player.Curve
}

func newFade(cut player.Cut) fade {
	out := int64(cut.FadeOut / player.TicksPerFrame)
	return fade{
		in: int64(cut.FadeIn / player.TicksPerFrame), out: out,
		from:    int64((cut.End-cut.Start)/player.TicksPerFrame) - out,
		inCurve: cut.InCurve, outCurve: cut.OutCurve,
	}
}

// apply fades the frames from number at on.
func (f fade) apply(frames []player.Frame, at int64) {
	for i := range frames[:within(frames, f.in-at)] {
		scale(&frames[i], f.inCurve.In(float64(at+int64(i))/float64(f.in)))
	}
	for i := within(frames, f.from-at); i < len(frames); i++ {
		scale(&frames[i], f.outCurve.Out(float64(at+int64(i)-f.from)/float64(f.out)))
	}
}

// within is n, or the nearest that is a position in frames.
func within(frames []player.Frame, n int64) int { return int(min(max(n, 0), int64(len(frames)))) }

func scale(f *player.Frame, loudness float64) {
	f[0] *= float32(loudness)
	f[1] *= float32(loudness)
}
