package audio

import "rubato/player"

// A speaker is where a channel is meant to sound.
type speaker uint8

const (
	frontLeft speaker = iota
	frontRight
	center
	lowFrequency
	surroundLeft
	surroundRight
	surroundCenter
	both // the one channel of mono
)

// How loud each speaker is in the left and in the right of two: the coefficients
// of ITU-R BS.775 (annex 4, table 2), by which the low frequencies are left out.
const sqrtHalf = 0.70710678

var shares = [...][2]float32{
	frontLeft:      {1, 0},
	frontRight:     {0, 1},
	center:         {sqrtHalf, sqrtHalf},
	lowFrequency:   {0, 0},
	surroundLeft:   {sqrtHalf, 0},
	surroundRight:  {0, sqrtHalf},
	surroundCenter: {0.5, 0.5},
	both:           {1, 1},
}

// usualOrder is that of WAV and FLAC, from mono to 5.1; vorbisOrder is Vorbis's.
var (
	usualOrder = [][]speaker{
		{both},
		{frontLeft, frontRight},
		{frontLeft, frontRight, center},
		{frontLeft, frontRight, surroundLeft, surroundRight},
		{frontLeft, frontRight, center, surroundLeft, surroundRight},
		{frontLeft, frontRight, center, lowFrequency, surroundLeft, surroundRight},
	}
	vorbisOrder = [][]speaker{
		{both},
		{frontLeft, frontRight},
		{frontLeft, center, frontRight},
		{frontLeft, frontRight, surroundLeft, surroundRight},
		{frontLeft, center, frontRight, surroundLeft, surroundRight},
		{frontLeft, center, frontRight, surroundLeft, surroundRight, lowFrequency},
	}
)

// A mixdown turns the channels of a file into two.
type mixdown [][2]float32

// newMixdown scales the coefficients so that the sum of all channels at their
// loudest does not clip: 5.1 loses 7.7 dB by that.
func newMixdown(speakers []speaker) mixdown {
	m := make(mixdown, len(speakers))
	var sum [2]float32
	for i, s := range speakers {
		m[i] = shares[s]
		sum[0] += m[i][0]
		sum[1] += m[i][1]
	}
	if most := max(sum[0], sum[1]); most > 1 {
		for i := range m {
			m[i][0] /= most
			m[i][1] /= most
		}
	}
	return m
}

// mix fills as many frames as there are in samples or in into. The conversions keep
// a processor from fusing product and sum, which would make other bits.
func (m mixdown) mix(into []player.Frame, samples []float32) int {
	n := min(len(into), len(samples)/len(m))
	switch len(m) {
	case 1:
		for i, x := range samples[:n] {
			into[i] = player.Frame{x, x}
		}
	case 2:
		for i := range into[:n] {
			into[i] = player.Frame{samples[2*i], samples[2*i+1]}
		}
	default:
		for i := range into[:n] {
			var f player.Frame
			for c, x := range samples[i*len(m) : (i+1)*len(m)] {
				f[0] += float32(x * m[c][0])
				f[1] += float32(x * m[c][1])
			}
			into[i] = f
		}
	}
	return n
}
