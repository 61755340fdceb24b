package decode

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/jfreymuth/vorbis"
)

// vorbisDecoder gives jfreymuth/vorbis one packet at a time. Its companion oggvorbis, which
// reads the pages, ends with the first stream or the first broken page.
type vorbisDecoder struct {
	format
	damage
	file    *io.SectionReader
	walk    *vorbisWalk
	decoder *vorbis.Decoder
	part    vorbisPart
	at      int64 // samples of the part that were decoded
	block   []float32
}

func newVorbis(f *io.SectionReader) (decoder, error) {
	d := &vorbisDecoder{file: f, walk: newVorbisWalk(f)}
	part, ok := d.walk.next()
	if !ok {
		return nil, d.walk.why()
	}
	d.begin(part)
	return d, nil
}

// begin goes to the next part of the sound. It reports whether the format is another.
func (d *vorbisDecoder) begin(part vorbisPart) (other bool) {
	d.part, d.at = part, 0
	if part.first {
		d.decoder = d.walk.decoder
		other = d.rate != d.walk.format.rate || !slices.Equal(d.speakers, d.walk.format.speakers)
		d.format = d.walk.format
		d.block = make([]float32, d.decoder.BufferSize())
	}
	if part.gap {
		d.decoder.Clear()
	}
	return other
}

func (d *vorbisDecoder) next() ([]float32, error) {
	for {
		for len(d.part.packets) > 0 {
			if block := d.decode(); len(block) > 0 {
				return block, nil
			}
		}
		part, ok := d.walk.next()
		if !ok {
			return nil, io.EOF
		}
		if d.begin(part) {
			return nil, errOtherFormat
		}
	}
}

// decode decodes the next packet of the part. One that is broken is silence.
func (d *vorbisDecoder) decode() (block []float32) {
	packet := d.part.packets[0]
	d.part.packets = d.part.packets[1:]
	err := guarded(func() (err error) { block, err = d.decoder.DecodeInto(packet.bytes, d.block); return err })
	if err != nil {
		d.decoder.Clear()
		block = d.block[:min(int(packet.samples)*len(d.speakers), len(d.block))]
		clear(block)
		d.lose(packet.samples, d.rate, fmt.Errorf("ogg vorbis: %w", err))
	}
	n := int64(len(block) / len(d.speakers))
	from, to := min(max(d.part.from-d.at, 0), n), min(max(d.part.to-d.at, 0), n)
	d.at += n
	block = block[min(from, to)*int64(len(d.speakers)) : to*int64(len(d.speakers))]
	for i, x := range block {
		block[i] = tame(x)
	}
	return block
}

func (d *vorbisDecoder) measure() (m measured, err error) {
	w := newVorbisWalk(d.file)
	frames, rate := int64(0), 0
	for {
		part, ok := w.next()
		if !ok {
			break
		}
		if part.first && rate != w.format.rate {
			m.add(frames, rate)
			frames, rate = 0, w.format.rate
		}
		frames += max(part.to-part.from, 0)
	}
	m.add(frames, rate)
	w.tell(&m)
	return m, nil
}

// vorbisPart is the sound of a page.
type vorbisPart struct {
	first    bool // of a stream
	gap      bool // pages are missing before it
	packets  []vorbisPacket
	from, to int64 // the samples to keep
}

type vorbisPacket struct {
	bytes   []byte
	samples int64
}

// vorbisWalk goes through the Vorbis streams of a file, one after the other.
type vorbisWalk struct {
	pages   *oggWalk
	packets oggPackets
	stream  uint32
	open    bool     // a stream is being read
	ended   bool     // it had its last page
	headers [][]byte // of the stream, so far
	sounds  bool     // it had sound
	format  format
	decoder *vorbis.Decoder
	clock   vorbisClock

	streams  int
	other    string // what another stream is
	err      error  // why the first stream that cannot be read cannot
	leftOut  int    // streams
	headless int    // pages in front of the first headers
	gaps     int
	unended  int
}

func newVorbisWalk(f *io.SectionReader) *vorbisWalk { return &vorbisWalk{pages: newOggWalk(f)} }

// next returns the next page with sound. It is valid until the next call.
func (w *vorbisWalk) next() (part vorbisPart, ok bool) {
	for {
		p, ok := w.pages.next()
		switch {
		case !ok:
			w.end()
			return part, false
		case p.flags&oggFirst != 0:
			w.begin(p)
		case !w.open && w.other == "" && w.streams == 0:
			w.headless++
		}
		if !w.open || p.stream != w.stream {
			continue
		}
		packets, gap := w.packets.take(p)
		if packets, ok = w.head(packets, gap); !ok {
			continue
		}
		part = w.clock.page(packets, p, gap)
		part.first, w.sounds, w.ended = !w.sounds, true, p.flags&oggLast != 0
		if gap {
			w.gaps++
		}
		return part, true
	}
}

// begin begins a stream. One that begins before another had sound stands beside it, and is
// left out.
func (w *vorbisWalk) begin(p oggPage) {
	const most = 1_000 // streams
	if len(p.body) < 7 || string(p.body[:7]) != "\x01vorbis" {
		w.other = inOgg(p.body)
		return
	}
	if w.open && !w.sounds || w.streams == most {
		w.leftOut++
		return
	}
	w.end()
	w.streams++
	w.stream, w.open, w.ended, w.sounds, w.headers = p.stream, true, false, false, nil
	w.packets = oggPackets{next: p.number}
}

// end counts a stream that has no last page.
func (w *vorbisWalk) end() {
	if w.open && w.sounds && !w.ended {
		w.unended++
	}
	w.open = false
}

// head takes the headers from the packets. It is true when all are there.
func (w *vorbisWalk) head(packets [][]byte, gap bool) (sound [][]byte, ok bool) {
	if len(w.headers) == 3 {
		return packets, true
	}
	for len(packets) > 0 && len(w.headers) < 3 {
		w.headers = append(w.headers, slices.Clone(packets[0]))
		packets = packets[1:]
	}
	var err error
	switch {
	case gap:
		err = errNoHeaders
	case len(w.headers) == 3:
		err = w.read()
	}
	if err != nil {
		w.open, w.leftOut = false, w.leftOut+1
		if w.err == nil {
			w.err = err
		}
	}
	return packets, err == nil && len(w.headers) == 3
}

// read reads the headers of a stream. jfreymuth/vorbis misreads floors without partitions,
// which the usual encoder writes for the low-frequency channel of 5.1 at 44.1 and 48 kHz.
// docs/design.md says why these files are not supported.
func (w *vorbisWalk) read() error {
	if err := checkVorbis(w.headers); err != nil {
		return fmt.Errorf("ogg: %w", err)
	}
	channels := int(w.headers[0][11])
	speakers, err := speakersOf("Ogg Vorbis", channels, vorbisOrder)
	if err != nil {
		return err
	}
	decoder := new(vorbis.Decoder)
	err = guarded(func() (err error) {
		for i := 0; i < 3 && err == nil; i++ {
			err = decoder.ReadHeader(w.headers[i])
		}
		return err
	})
	switch {
	case err != nil && channels == 6:
		return errors.New("ogg vorbis: this decoder cannot read 5.1 of 44.1 or 48 kHz: convert it to FLAC, or to stereo")
	case err != nil:
		return fmt.Errorf("ogg vorbis: %w", err)
	}
	w.decoder = decoder
	w.format = format{name: "Ogg Vorbis", rate: decoder.SampleRate(), speakers: speakers}
	if w.clock, err = newVorbisClock(w.headers); err != nil {
		return err
	}
	return checkRate(w.format)
}

var errNoHeaders = errors.New("ogg: its headers are not whole: the file is truncated or broken")

// why says why there is no stream to play.
func (w *vorbisWalk) why() error {
	switch {
	case w.err != nil:
		return w.err
	case w.streams == 0 && w.other != "":
		return notSupported(w.other)
	case w.headless > 0:
		return errors.New("ogg: it was cut from the middle of a stream, and cannot be decoded without the headers")
	}
	return errNoHeaders
}

// tell notes what is left out.
func (w *vorbisWalk) tell(m *measured) {
	m.notice(w.unended > 0 || w.pages.cut, "has no end mark: the recording was cut off")
	m.notice(w.headless > 0, "%d pages in front of its first headers are left out", w.headless)
	m.notice(w.gaps > 0, "pages are missing at %d places", w.gaps)
	m.notice(w.pages.strange > 0, "%d bytes in it are no whole page and are left out", w.pages.strange)
	m.notice(w.leftOut > 0, "%d of its streams are left out: %v", w.leftOut, w.err)
}

// vorbisClock counts samples without decoding them: the first bits of a packet tell how long
// it is.
type vorbisClock struct {
	sizes  [2]int64 // of a short and a long block
	long   []bool   // which mode has long blocks
	bits   int      // of a mode's number
	before int64    // size of the block before; 0: none
	at     int64    // position in the stream
	known  bool     // at is
	begun  bool     // a page has told its position
}

func newVorbisClock(headers [][]byte) (vorbisClock, error) {
	long, bits := vorbisModes(headers[2])
	if len(long) == 0 {
		return vorbisClock{}, errors.New("ogg: its headers are broken")
	}
	sizes := headers[0][28]
	return vorbisClock{sizes: [2]int64{1 << (sizes & 15), 1 << (sizes >> 4)}, long: long, bits: bits}, nil
}

// samples returns how many samples a packet adds. It is false if it is no packet of sound.
func (c *vorbisClock) samples(packet []byte) (n int64, ok bool) {
	if len(packet) == 0 || packet[0]&1 == 1 {
		return 0, false
	}
	mode := int(packet[0]) >> 1 & (1<<c.bits - 1)
	if mode >= len(c.long) {
		return 0, false
	}
	size := c.sizes[0]
	if c.long[mode] {
		size = c.sizes[1]
	}
	if c.before > 0 {
		n = (c.before + size) / 4
	}
	c.before = size
	return n, true
}

// page finds which samples of a page are to be kept. The first page may hold more than its
// position says: then the first ones are dropped. The last page may, too: then its last ones
// are.
func (c *vorbisClock) page(packets [][]byte, p oggPage, gap bool) (part vorbisPart) {
	if part.gap = gap; gap {
		c.before, c.known = 0, false
	}
	for _, packet := range packets {
		if n, ok := c.samples(packet); ok {
			part.packets = append(part.packets, vorbisPacket{packet, n})
			part.to += n
		}
	}
	n, last := part.to, p.flags&oggLast != 0
	c.at += n
	if p.position < 0 || len(packets) == 0 {
		return part
	}
	over := c.at - p.position
	switch {
	case over <= 0 || over > n:
	case !c.begun && !last:
		part.from = over
	case last && (c.known || !c.begun):
		part.to -= over
	}
	c.at, c.known, c.begun = p.position, true, true
	return part
}
