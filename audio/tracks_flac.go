package audio

import (
	"bufio"
	"io"
	"math/bits"
	"os"

	"rubato/player"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// flacBlock is how many frames a block has: what the reference encoder takes, too.
const flacBlock = 4096

// encodeFLAC writes as many frames of 16 bits as asked for.
//
// The encoder's own analysis tries five predictors with fifteen parameters each,
// in full; the estimate here looks at the sum of the residuals once, as the
// reference encoder does, and is several times faster for files of the same size.
func encodeFLAC(f *os.File, title string, frames int64, next func() (left, right int32)) error {
	w := bufio.NewWriterSize(f, 1<<16)
	encoder, err := flac.NewEncoder(seekable{w, f}, &meta.StreamInfo{
		BlockSizeMin: flacBlock, BlockSizeMax: flacBlock,
		SampleRate: player.SampleRate, NChannels: 2, BitsPerSample: 16, NSamples: uint64(frames),
	}, titleBlock(title))
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
	// Close writes the header again, now that the sum over the samples is known.
	if err := encoder.Close(); err != nil {
		return err
	}
	return w.Flush()
}

// seekable writes through a buffer, and empties that before it seeks. It has no
// Close: the file is not the encoder's.
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

func titleBlock(title string) *meta.Block {
	return &meta.Block{
		Header: meta.Header{Type: meta.TypeVorbisComment, Length: 1}, // the encoder counts; 0 would be no body
		Body:   &meta.VorbisComment{Vendor: "rubato", Tags: [][2]string{{"TITLE", title}}},
	}
}

// flacFrame is one block of two channels on its way into the encoder.
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

// predict chooses the fixed predictor that leaves the least, and for its residuals
// the Rice parameter near the logarithm of their mean.
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

// rice is the parameter for n residuals of this sum: they are coded as twice their
// magnitude. 14 is the largest that is a parameter.
func rice(sum uint64, n int) uint {
	return uint(min(bits.Len64(sum*2/uint64(n)*7/10), 14))
}

var _ io.WriteSeeker = seekable{}
