package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A kind is a format that can be played.
type kind struct {
	open  func(*io.SectionReader) (decoder, error)
	walks bool // passes over what stands in front of the sound
}

var (
	kindWAV    = &kind{open: newWAV}
	kindFLAC   = &kind{open: newFLAC}
	kindMP3    = &kind{open: newMP3, walks: true}
	kindVorbis = &kind{open: newVorbis, walks: true}
)

// searched is how many bytes are searched for a beginning of sound.
const searched = 1 << 20

// recognise finds where the sound begins and which kind it is: behind the tags, or behind
// whatever else stands there, of so many bytes.
func recognise(f io.ReaderAt, size int64) (k *kind, sound *io.SectionReader, front int64, err error) {
	start, end := withoutTags(f, size)
	head := at(f, start, int(min(end-start, 4096)))
	if k = kindOf(head); k != nil {
		return k, io.NewSectionReader(f, start, end-start), 0, nil
	}
	if name := unsupported(head); name != "" {
		return nil, nil, 0, notSupported(name)
	}
	if k, front = search(at(f, start, int(min(end-start, searched)))); k != nil {
		if k.walks {
			front = 0
		}
		start += front
		return k, io.NewSectionReader(f, start, end-start), front, nil
	}
	if tagLength(head) > 0 {
		return nil, nil, 0, errors.New("ends in its tag: the file is truncated")
	}
	return nil, nil, 0, errors.New("neither WAV, FLAC, MP3 nor Ogg Vorbis: convert it to one of these")
}

func notSupported(name string) error {
	return fmt.Errorf("%s is not supported: convert it to WAV, FLAC, MP3 or Ogg Vorbis", name)
}

// search looks for a beginning of sound.
func search(window []byte) (k *kind, at int64) {
	flacs := 0 // frames of FLAC that were decoded
	for i := range window {
		if k = kindOf(window[i:]); k == nil {
			k = streamOf(window[i:], &flacs)
		}
		if k != nil {
			return k, int64(i)
		}
	}
	return nil, 0
}

// kindOf recognises the formats that begin with a name.
func kindOf(b []byte) *kind {
	switch {
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WAVE":
		return kindWAV
	case len(b) >= 8 && string(b[:4]) == "fLaC":
		return kindFLAC
	case len(b) >= 5 && string(b[:5]) == "OggS\x00":
		return kindVorbis
	}
	return nil
}

// streamOf recognises streams that have no beginning: each frame begins with a few bits.
func streamOf(b []byte, flacs *int) *kind {
	switch {
	case len(b) < 4 || b[0] != 0xff:
	case mpegHeader(b).valid() && chained(b):
		return kindMP3
	case b[1]&0xfe == 0xf8 && flacBegins(b, flacs):
		return kindFLAC
	}
	return nil
}

// names are of formats that cannot be played, by what they begin with. A ? fits any byte.
var names = []struct{ begins, name string }{
	{"????ftyp", "MP4 (M4A, AAC or ALAC)"}, {"RF64", "RF64 (WAV above 4 GB)"}, {"BW64", "BW64 (WAV above 4 GB)"},
	{"RIFX", "RIFX (WAV of big-endian numbers)"}, {"riff\x2e\x91\xcf\x11", "Wave64"}, {"RIFF????AVI ", "AVI"},
	{"FORM????AIFF", "AIFF"}, {"FORM????AIFC", "AIFF-C"}, {"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA (ASF)"},
	{"wvpk", "WavPack"}, {"MAC ", "Monkey's Audio"}, {"MPCK", "Musepack"}, {"MP+", "Musepack"}, {"TTA1", "True Audio"},
	{"OFR ", "OptimFROG"}, {"tBaK", "TAK"}, {"ajkg", "Shorten"}, {"DSD ", "DSD"}, {"FRM8", "DSD (DSDIFF)"},
	{".snd", "AU"}, {"caff\x00", "CAF"}, {"#!AMR", "AMR"}, {"MThd", "MIDI"}, {"ADIF", "AAC"},
	{"\x1a\x45\xdf\xa3", "Matroska or WebM"}, {"FLV\x01", "FLV"}, {".RMF", "RealAudio"},
}

// unsupported names a format that cannot be played. It returns "" if it knows none.
func unsupported(head []byte) string {
	for _, n := range names {
		if begins(head, n.begins) {
			return n.name
		}
	}
	const packet = 188 // bytes of a transport stream
	if len(head) > 2*packet && head[0] == 'G' && head[packet] == 'G' && head[2*packet] == 'G' {
		return "MPEG transport stream"
	}
	switch h := mpegHeader(head); {
	case len(head) < 7 || head[0] != 0xff:
	case h[1]&0xf6 == 0xf0: // four bits of sync, layer 0
		if next := int(h[3]&3)<<11 | int(h[4])<<3 | int(h[5])>>5; repeats(head, next) {
			return "AAC"
		}
	case h.freeFormat():
		return "MP3 of free format"
	case h.layer2():
		return "MP2 (MPEG audio layer 2)"
	}
	return ""
}

func begins(b []byte, pattern string) bool {
	if len(b) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != b[i] {
			return false
		}
	}
	return true
}

// repeats reports whether the first two bytes, which begin a frame, stand again where the
// next frame begins, or that is out of sight.
func repeats(b []byte, next int) bool {
	return next > 7 && (next+2 > len(b) || bytes.Equal(b[:2], b[next:next+2]))
}

// inOgg names what an Ogg stream holds, by its first packet.
func inOgg(packet []byte) string {
	for _, n := range []struct{ begins, name string }{
		{"OpusHead", "Ogg Opus"}, {"\x7fFLAC", "FLAC in Ogg"}, {"Speex", "Ogg Speex"}, {"\x80theora", "Ogg Theora"},
	} {
		if strings.HasPrefix(string(packet), n.begins) {
			return n.name
		}
	}
	return "Ogg with something other than Vorbis"
}
