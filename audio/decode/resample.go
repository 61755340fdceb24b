package decode

import (
	"rubato/player"

	"github.com/gopxl/beep/v2"
)

// resampleQuality is half the number of samples from which one is interpolated.
// Measured with sines at 48 kHz, the error with 3, 4 and 6 is -75, -96 and -137 dB at
// 5 kHz and -40, -50 and -69 dB at 10 kHz; the speed is 235, 130 and 60 times real
// time. With 4, the frequencies that carry most of the sound are exact to 16 bits, and
// one core still decodes two passages a hundred times faster than they play. The
// interpolation has no low-pass filter: content above 22 kHz folds back.
//
// The resampler uses products and sums that a processor may fuse. So the last bits of
// a file that is not 44.1 kHz may differ between arm64 and amd64. On one machine all
// styles get the same bits.
const resampleQuality = 4

// resampled is a source whose rate is not 44.1 kHz.
type resampled struct {
	src     *source
	beep    *beep.Resampler
	rate    int64
	at      int64 // frames delivered at 44.1 kHz, from the anchor on
	read    int64 // frames taken from the source
	ended   bool
	native  [resampleBlock]player.Frame
	doubles [resampleBlock][2]float64
}

const resampleBlock = 512

func newResampled(src *source, rate int) *resampled {
	r := &resampled{src: src, rate: int64(rate)}
	r.beep = beep.Resample(resampleQuality, beep.SampleRate(rate), player.SampleRate, r)
	return r
}

// skip seeks to an instant shortly before the start at which both rates have a frame, and
// drops the frames before the start. It returns how far the start lies behind the end.
func (r *resampled) skip(start int64) (past int64, err error) {
	const before = 64 // frames: more than the interpolation uses at any rate
	anchor := max(start-before, 0)
	for anchor*r.rate%player.SampleRate != 0 {
		anchor--
	}
	left, err := r.src.skip(anchor * r.rate / player.SampleRate)
	if err != nil || left > 0 {
		return start - resampledLength(anchor*r.rate/player.SampleRate-left, int(r.rate)), err
	}
	var dropped [resampleBlock]player.Frame
	for past = start - anchor; past > 0; {
		n := r.fill(dropped[:min(past, resampleBlock)])
		if past -= int64(n); n == 0 {
			break
		}
	}
	return past, nil
}

func (r *resampled) ready() bool {
	return r.read == 0 && r.src.more() || r.read > 0 && !(r.ended && r.frames() <= r.at)
}

func (r *resampled) fill(into []player.Frame) int {
	n := 0
	for n < len(into) {
		asked := r.doubles[:min(len(into)-n, resampleBlock)]
		r.beep.Stream(asked)
		got := len(asked)
		if r.ended {
			got = int(min(max(r.frames()-r.at, 0), int64(got)))
		}
		for i, x := range asked[:got] {
			into[n+i] = player.Frame{float32(x[0]), float32(x[1])}
		}
		n += got
		r.at += int64(got)
		if got < len(asked) {
			break
		}
	}
	return n
}

// frames is the length of the source at 44.1 kHz. It is valid once the source ended.
func (r *resampled) frames() int64 { return resampledLength(r.read, int(r.rate)) }

// resampledLength is how many frames at 44.1 kHz so many frames become.
func resampledLength(frames int64, rate int) int64 {
	if frames <= 0 {
		return 0
	}
	return (frames*player.SampleRate + int64(rate) - 1) / int64(rate)
}

// Stream feeds the resampler. It never ends: silence follows the sound, and fill
// knows where the sound ended. If the resampler saw the end, it would append samples
// of an old buffer.
func (r *resampled) Stream(samples [][2]float64) (int, bool) {
	for done := 0; done < len(samples); {
		part := r.native[:min(len(samples)-done, len(r.native))]
		n := 0
		if !r.ended {
			n = r.src.fill(part)
			r.read += int64(n)
			r.ended = n < len(part)
		}
		clear(part[n:])
		for i, f := range part {
			samples[done+i] = [2]float64{float64(f[0]), float64(f[1])}
		}
		done += len(part)
	}
	return len(samples), true
}

// Err makes resampled a beep.Streamer. Errors are reported by broken.
func (r *resampled) Err() error { return nil }
