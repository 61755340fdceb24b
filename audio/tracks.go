package audio

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"

	"rubato/audio/decode"
	"rubato/player"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// A Track is a file of sound.
type Track struct {
	Path   string
	Title  string
	Length player.Ticks // whole frames
}

// Limits of MakeTracks: the number of tracks, and the length of each.
const (
	MostTracks   = 1_000
	LongestTrack = player.Hour
)

// tracksVersion is part of the names of the files. Raise it with every change of the
// synthesizer or the encoder.
const tracksVersion = 1

// MakeTracks writes music made from the seed into dir: one FLAC file for each length, at
// 44.1 kHz, 16 bits, stereo. The same arguments make the same files, byte for byte, on
// every processor. It keeps complete files that exist. It never leaves an incomplete
// file under its final name.
//
// No two tracks sound alike: key, chords, tempo and melody come from the seed. The peaks
// are near -12 dB of full scale, so that the sum of two tracks does not clip.
func MakeTracks(dir string, seed uint64, lengths []player.Ticks) ([]Track, error) {
	if len(lengths) > MostTracks {
		return nil, fmt.Errorf("audio: %d tracks: ask for at most %d", len(lengths), MostTracks)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("audio: make tracks: %w", err)
	}
	list := make([]Track, 0, len(lengths))
	for i, length := range lengths {
		t, err := makeTrack(dir, seed, i, length)
		if err != nil {
			return nil, fmt.Errorf("audio: make track %d in %s: %w", i+1, dir, err)
		}
		list = append(list, t)
	}
	return list, nil
}

func makeTrack(dir string, seed uint64, i int, length player.Ticks) (Track, error) {
	frames := int64(length / player.TicksPerFrame)
	if frames <= 0 || length > LongestTrack {
		return Track{}, fmt.Errorf("a length of %v: ask for at least one frame and at most %v", length.Duration(), LongestTrack.Duration())
	}
	s := newSynth(seed, uint64(i))
	t := Track{
		Path:   filepath.Join(dir, trackName(seed, i, frames)),
		Title:  s.title(),
		Length: player.Ticks(frames) * player.TicksPerFrame,
	}
	if info, err := decode.Probe(t.Path); err == nil && info.Frames == frames {
		return t, nil
	}
	return t, writeWhole(t.Path, func(f *os.File) error { return encodeFLAC(f, t.Title, frames, s.next) })
}

// trackName depends on everything that the content depends on.
func trackName(seed uint64, i int, frames int64) string {
	digest := fnv.New32a()
	fmt.Fprintf(digest, "%d %d %d %d", tracksVersion, seed, i, frames)
	return fmt.Sprintf("%03d-%08x.flac", i+1, digest.Sum32())
}

// writeWhole writes to another name and renames, so that nobody sees half a file.
func writeWhole(path string, write func(*os.File) error) error {
	part := path + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	err = write(f)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(part))
	}
	return err
}

// synth plays four chords in turn, with a melody. It computes in integers only, so that
// it makes the same samples on every processor.
type synth struct {
	r      *rand.Rand
	key    int // semitones above A
	minor  bool
	bpm    int    // beats per minute
	chords [4]int // degrees of the scale, each for four beats

	beat, left int // beats begun, and samples until the next one
	voices     [5]voice
}

// A voice plays one note at a time: a wave that gets quieter.
type voice struct {
	phase, step uint32 // 1<<32 is a period of the wave
	loudness    int32  // of fullNote
	rising      int    // samples until it starts to fade
	decay       uint   // it loses 1/2^decay of its loudness per sample
	pan         int32  // 0 left to 16 right
}

const (
	bass     = 0
	melody   = 4
	fullNote = 1 << 30
	attack   = 441          // samples in which a note rises, so that it does not click
	topLevel = 8192 * 2 / 5 // of one voice: a channel has at most 2.5 voices, which is -12 dB of full scale
)

var keys = [12]string{"A", "B flat", "B", "C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat"}

// steps are the steps of a wave for the twelve semitones from A at 55 Hz:
// 55 × 2^(k/12) × 2^32 / 44 100.
var steps = [12]uint32{5356535, 5675051, 6012507, 6370030, 6748811, 7150117, 7575285, 8025735, 8502970, 9008582, 9544261, 10111792}

var scales = map[bool][7]int{
	false: {0, 2, 4, 5, 7, 9, 11}, // major
	true:  {0, 2, 3, 5, 7, 8, 10}, // minor
}

// newSynth draws what differs between tracks.
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

// strike starts a beat: a note of the melody, and a chord on every fourth.
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

// next is the next sample. A new note rises from the loudness that the last one has
// faded to, and continues its phase, so that nothing jumps.
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

// wave is one period: a sine with some of its second and third harmonic.
var wave = makeWave()

func makeWave() (w [1024]int32) {
	for i := range w {
		sum := 8*sine(i) + 2*sine(2*i) + sine(3*i) // never above 9.2 << 15
		w[i] = int32(int64(sum) * topLevel * 5 / 46 >> 15)
	}
	return w
}

// sine is sin(2πi/1024) times 1<<15, by Bhaskara's formula 16x(π-x) / (5π²-4x(π-x)). It
// needs only integers and is exact to 0.2 %.
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

// flacBlock is how many frames a block has, as in the reference encoder.
const flacBlock = 4096

// encodeFLAC writes this many frames of 16 bits.
//
// The encoder's own analysis tries five predictors with fifteen parameters each. predict
// estimates from the sum of the residuals instead, as the reference encoder does. It is
// several times faster, and the files are as small.
func encodeFLAC(f *os.File, title string, frames int64, next func() (left, right int32)) error {
	w := bufio.NewWriterSize(f, 1<<16)
	encoder, err := flac.NewEncoder(seekable{w, f}, &meta.StreamInfo{
		BlockSizeMin: flacBlock, BlockSizeMax: flacBlock,
		SampleRate: player.SampleRate, NChannels: 2, BitsPerSample: 16, NSamples: uint64(frames),
	}, &meta.Block{
		Header: meta.Header{Type: meta.TypeVorbisComment, Length: 1}, // the encoder counts; with 0 it would omit the body
		Body:   &meta.VorbisComment{Vendor: "rubato", Tags: [][2]string{{"TITLE", title}}},
	})
	if err != nil {
		return err
	}
	encoder.EnablePredictionAnalysis(false)
	block := newFLACBlock()
	for frames > 0 {
		n := min(frames, flacBlock)
		frames -= n
		block.fill(int(n), next)
		if err := encoder.WriteFrame(&block.Frame); err != nil {
			return err
		}
	}
	// Close writes the header again, with the sum of the samples.
	if err := encoder.Close(); err != nil {
		return err
	}
	return w.Flush()
}

// seekable writes through a buffer and flushes it before a seek. It has no Close, so that
// the encoder does not close the file.
type seekable struct {
	*bufio.Writer
	f *os.File
}

func (s seekable) Seek(offset int64, whence int) (int64, error) {
	if err := s.Flush(); err != nil {
		return 0, err
	}
	return s.f.Seek(offset, whence)
}

// flacFrame is one block of two channels for the encoder.
type flacFrame struct {
	frame.Frame
	residuals []int32
}

func newFLACBlock() *flacFrame {
	b := &flacFrame{residuals: make([]int32, flacBlock)}
	b.HasFixedBlockSize = true
	b.SampleRate = player.SampleRate
	b.Channels = frame.ChannelsLR
	b.BitsPerSample = 16
	for range 2 {
		b.Subframes = append(b.Subframes, &frame.Subframe{Samples: make([]int32, flacBlock)})
	}
	return b
}

func (b *flacFrame) fill(n int, next func() (left, right int32)) {
	b.BlockSize = uint16(n)
	left, right := b.Subframes[0], b.Subframes[1]
	left.Samples, right.Samples = left.Samples[:n], right.Samples[:n]
	for i := range n {
		left.Samples[i], right.Samples[i] = next()
	}
	b.predict(left)
	b.predict(right)
}

// predict chooses the fixed predictor with the smallest residuals, and a Rice parameter
// near the logarithm of their mean.
func (b *flacFrame) predict(sub *frame.Subframe) {
	n := len(sub.Samples)
	sub.NSamples = n
	sub.SubHeader = frame.SubHeader{Pred: frame.PredVerbatim}
	if n <= 4 {
		return
	}
	rest := b.residuals[:n]
	copy(rest, sub.Samples)
	order, least := 0, magnitude(rest)
	for try := 1; try <= 4; try++ {
		for i := n - 1; i >= try; i-- {
			rest[i] -= rest[i-1]
		}
		if sum := magnitude(rest[try:]); sum < least {
			order, least = try, sum
		}
	}
	sub.Pred, sub.Order = frame.PredFixed, order
	sub.RiceSubframe = &frame.RiceSubframe{Partitions: []frame.RicePartition{{Param: rice(least, n-order)}}}
}

func magnitude(list []int32) (sum uint64) {
	for _, x := range list {
		sum += uint64(max(x, -x))
	}
	return sum
}

// rice is the parameter for n residuals with this sum of magnitudes. They are coded as
// twice their magnitude. 14 is the largest valid parameter.
func rice(sum uint64, n int) uint {
	return uint(min(bits.Len64(sum*2/uint64(n)*7/10), 14))
}
