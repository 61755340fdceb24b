package audio

import (
	"fmt"
	"math/rand/v2"

	"rubato/player"
)

// synth plays four chords in turn, and a melody over them. It reckons in whole
// numbers alone, so that it makes the same samples on every processor.
type synth struct {
	r      *rand.Rand
	key    int // semitones above A
	minor  bool
	bpm    int    // beats a minute
	chords [4]int // degrees of the scale, each for four beats

	beat, left int // beats begun, and samples until the next one
	voices     [5]voice
}

// A voice is one note: a wave read at some pace, ever quieter.
type voice struct {
	phase, step uint32 // of 1<<32 a period
	loudness    int32  // of fullNote
	rising      int    // samples until it begins to fade
	decay       uint   // it loses 1/2^decay of its loudness a sample
	pan         int32  // 0 left to 16 right
}

const (
	bass     = 0
	melody   = 4
	fullNote = 1 << 30
	attack   = 441          // samples in which a note rises: none of them clicks
	topLevel = 8192 * 2 / 5 // of one voice: no channel has more than two and a half, which is -12 dB of full scale
)

var keys = [12]string{"A", "B flat", "B", "C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat"}

// The steps of a wave for the twelve semitones from A at 55 Hz: 55 × 2^(k/12) × 2^32 / 44 100.
var steps = [12]uint32{5356535, 5675051, 6012507, 6370030, 6748811, 7150117, 7575285, 8025735, 8502970, 9008582, 9544261, 10111792}

var scales = map[bool][7]int{
	false: {0, 2, 4, 5, 7, 9, 11}, // major
	true:  {0, 2, 3, 5, 7, 8, 10}, // minor
}

// newSynth draws what makes one track different from the next.
func newSynth(seed, track uint64) *synth {
	r := rand.New(rand.NewPCG(seed, track))
	s := &synth{r: r, key: r.IntN(12), minor: r.IntN(2) == 1, bpm: 60 + 4*r.IntN(24)}
	for i := range s.chords {
		s.chords[i] = r.IntN(7)
	}
	s.chords[0] = 0 // home
	for i := range s.voices {
		s.voices[i] = voice{decay: 15, pan: int32(2 + 3*i)}
	}
	s.voices[bass].pan, s.voices[melody].pan, s.voices[melody].decay = 8, 8, 13
	return s
}

func (s *synth) title() string {
	mode := "major"
	if s.minor {
		mode = "minor"
	}
	return fmt.Sprintf("Chords in %s %s, %d bpm", keys[s.key], mode, s.bpm)
}

// next makes the next sample of both channels.
func (s *synth) next() (left, right int32) {
	if s.left == 0 {
		s.strike()
		s.left = player.SampleRate * 60 / s.bpm
	}
	s.left--
	for i := range s.voices {
		x := s.voices[i].next()
		left += x * (16 - s.voices[i].pan) >> 4
		right += x * s.voices[i].pan >> 4
	}
	return left, right
}

// strike begins a beat: the melody's note, and every fourth time a chord.
func (s *synth) strike() {
	chord := s.chords[s.beat/4%len(s.chords)]
	if s.beat%4 == 0 {
		s.voices[bass].strike(s.pitch(chord, 0))
		for i := 1; i < melody; i++ {
			s.voices[i].strike(s.pitch(chord+2*(i-1), 1))
		}
	}
	if s.beat%4 == 0 || s.r.IntN(3) > 0 {
		s.voices[melody].strike(s.pitch(chord+2*s.r.IntN(3)+s.r.IntN(2), 3))
	}
	s.beat++
}

// pitch is the step of a degree of the scale, octaves above the lowest A.
func (s *synth) pitch(degree, octave int) uint32 {
	semitones := s.key + scales[s.minor][degree%7] + 12*(degree/7+octave)
	return steps[semitones%12] << (semitones / 12)
}

func (v *voice) strike(step uint32) { v.step, v.rising = step, attack }

// next rises towards full loudness from wherever the last note has faded to, and
// the wave goes on where it is, so that nothing jumps.
func (v *voice) next() int32 {
	if v.rising > 0 {
		v.rising--
		v.loudness += (fullNote - v.loudness) >> 6
	} else {
		v.loudness -= v.loudness >> v.decay
	}
	v.phase += v.step
	return int32(int64(wave[v.phase>>22]) * int64(v.loudness) >> 30)
}

// wave is one period: a sine with something of its second and third harmonic.
var wave = makeWave()

func makeWave() (w [1024]int32) {
	for i := range w {
		sum := 8*sine(i) + 2*sine(2*i) + sine(3*i) // never above 9.2 << 15
		w[i] = int32(int64(sum) * topLevel * 5 / 46 >> 15)
	}
	return w
}

// sine is that of 2πi/1024 times 1<<15, by Bhaskara's formula 16x(π-x) / (5π²-4x(π-x)),
// which needs fractions alone and is off by less than 0.2 %.
func sine(i int) int32 {
	const half = 512
	x := i % half
	p := x * (half - x)
	s := int32((16 * p << 15) / (5*half*half - 4*p))
	if i%1024 >= half {
		return -s
	}
	return s
}
