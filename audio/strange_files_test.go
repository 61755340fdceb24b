//go:build encoders

package audio_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

// encoded returns two pieces of music in each format.
func encoded(t *testing.T) map[string][]byte {
	lame := []string{"--quiet"}
	ogg := []string{"-Q", "-s", "7"}
	flac := []string{"--silent", "--stdout"}
	e := map[string][]byte{}
	for name, c := range map[string]struct {
		rate, channels int
		length         float64
		program        string
		args           []string
	}{
		"wav":      {44_100, 2, 2.0, "", nil},
		"wav b":    {22_050, 1, 1.5, "", nil},
		"mp3":      {44_100, 2, 2.0, "lame", append(lame, "-b", "128")},
		"mp3 b":    {44_100, 2, 1.5, "lame", append(lame, "-V", "4", "-p")},
		"mp3 48":   {48_000, 1, 2.0, "lame", append(lame, "-b", "64", "-t")},
		"mp3 24":   {24_000, 2, 2.0, "lame", append(lame, "-b", "48")},
		"mp3 22":   {22_050, 1, 2.0, "lame", append(lame, "-b", "32")},
		"mp3 mono": {44_100, 1, 2.0, "lame", append(lame, "--abr", "80")},
		"ogg":      {44_100, 2, 4.0, "oggenc", ogg},
		"ogg b":    {44_100, 2, 1.5, "oggenc", []string{"-Q", "-s", "8", "-q", "6"}},
		"ogg 22":   {22_050, 1, 2.5, "oggenc", []string{"-Q", "-s", "9", "-q", "2"}},
		"flac":     {44_100, 2, 2.0, "flac", flac},
		"flac b":   {44_100, 2, 1.5, "flac", append(flac, "-0", "-b", "1152")},
		"flac 24":  {24_000, 1, 2.0, "flac", flac},
	} {
		b := melody(c.rate, c.channels, c.length)
		switch c.program {
		case "lame": // with a file behind it: its first frame is written last
			out := filepath.Join(t.TempDir(), "x")
			tool(t, b, "lame", append(slices.Clone(c.args), "-", out)...)
			b = file(t, out)
		case "oggenc", "flac":
			b = tool(t, b, c.program, append(slices.Clone(c.args), "-")...)
		}
		e[name] = b
	}
	return e
}

// melody is a WAV file with a chord that gets louder and softer.
func melody(rate, channels int, length float64) []byte {
	n := int(float64(rate) * length)
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00")
	le := binary.LittleEndian
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*2))
	b = le.AppendUint16(b, uint16(channels*2))
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(n*channels*2))
	for i := range n {
		at := float64(i) / float64(rate)
		for c := range channels {
			x := math.Sin(2*math.Pi*220*at)*0.3 + math.Sin(2*math.Pi*float64(331+30*c)*at)*0.2*math.Sin(2*math.Pi*3*at)
			b = le.AppendUint16(b, uint16(int16(x*32_767)))
		}
	}
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// strangeFiles makes the folder.
func strangeFiles(e map[string][]byte) folder {
	files := folder{}
	for _, format := range []string{"mp3", "ogg", "flac", "wav"} {
		for name, tag := range frontTags() {
			files.add("front "+name+"."+format, "", tag, e[format]).like(e[format])
		}
		for name, tag := range backTags() {
			files.add("behind "+name+"."+format, "", e[format], tag).like(e[format])
		}
		front, back := slices.Concat(frontTags()["id3v2.4 footer"], ape(2000)), slices.Concat(ape(2000), backTags()["lyrics3v2 id3v1"])
		files.add("all."+format, "", front, e[format], back).like(e[format])
	}
	files.addLate(e)
	files.addJoined(e)
	files.addCounted(e)
	files.addCut(e)
	return files
}

type folder map[string]*strange

// add adds a file.
func (f folder) add(name, notice string, parts ...[]byte) *strange {
	f[name] = &strange{bytes: slices.Concat(parts...), notice: notice}
	return f[name]
}

func (s *strange) like(files ...[]byte) { s.same = files }

// id3 is a tag of a version, with a picture that looks like a frame of MP3.
func id3(version, flags byte, mark string) []byte {
	content := append([]byte("TIT2\x00\x00\x00\x06\x00\x00\x00Title"), bytes.Repeat([]byte("APIC\xff\xfb\x90\x64\xff\xf8\xc9\x18"), 300)...)
	n := len(content)
	return append([]byte{mark[0], mark[1], mark[2], version, 0, flags, byte(n >> 21 & 0x7f), byte(n >> 14 & 0x7f), byte(n >> 7 & 0x7f), byte(n & 0x7f)}, content...)
}

// withFooter adds the footer of an ID3v2.4 tag, which is its header under another name.
func withFooter(tag []byte) []byte {
	return slices.Concat(tag, []byte("3DI"), tag[3:10])
}

// ape is an APE tag; one of version 1 has no header.
func ape(version uint32) []byte {
	item := append([]byte("\x05\x00\x00\x00\x00\x00\x00\x00Title\x00"), "Title"...)
	end := func(flags uint32) []byte {
		b := binary.LittleEndian.AppendUint32([]byte("APETAGEX"), version)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(item)+32))
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, flags)
		return append(b, make([]byte, 8)...)
	}
	if version == 1000 {
		return append(item, end(0)...)
	}
	return slices.Concat(end(1<<31|1<<29), item, end(1<<31))
}

func id3v1() []byte { return append([]byte("TAGTitle"), make([]byte, 120)...) }

func frontTags() map[string][]byte {
	return map[string][]byte{
		"id3v2.2":        id3(2, 0, "ID3"),
		"id3v2.3":        id3(3, 0x80, "ID3"), // unsynchronised
		"id3v2.4 footer": withFooter(id3(4, 0x10, "ID3")),
		"apev2":          ape(2000),
		"id3v2.3 twice":  slices.Concat(id3(3, 0, "ID3"), id3(3, 0, "ID3")),
	}
}

func backTags() map[string][]byte {
	lyrics := "LYRICSBEGININD0000200LYR00012Some lyrics."
	return map[string][]byte{
		"id3v1":           id3v1(),
		"apev1 id3v1":     append(ape(1000), id3v1()...),
		"apev2":           ape(2000),
		"lyrics3v2 id3v1": slices.Concat([]byte(lyrics), fmt.Appendf(nil, "%06dLYRICS200", len(lyrics)), id3v1()),
		"lyrics3v1 id3v1": slices.Concat([]byte("LYRICSBEGINSome lyrics.LYRICSEND"), id3v1()),
		"id3v2.4":         withFooter(id3(4, 0x10, "ID3")),
	}
}

// addLate adds streams that do not begin where the file does.
func (f folder) addLate(e map[string][]byte) {
	junk := bytes.Repeat([]byte("no sound, but a page of the web \xff\xfb."), 30)
	f.add("junk.mp3", "are left out", junk, e["mp3"])
	f.add("junk.ogg", "are left out", junk, e["ogg"]).like(e["ogg"])
	f.add("junk.flac", "in front are no sound", junk, e["flac"]).like(e["flac"])
	f.add("junk behind tag.mp3", "are left out", id3(3, 0, "ID3"), junk, e["mp3 b"])
	f.add("padded frames.mp3", "", e["mp3 22"])
	f.add("zeros.mp3", "", make([]byte, 5_000), e["mp3"])
	f.add("first 100 bytes gone.mp3", "are left out", e["mp3"][100:])
	f.add("from the middle.mp3", "are left out", e["mp3"][len(e["mp3"])/3+7:])
	f.add("from the middle, low.mp3", "are left out", e["mp3 24"][len(e["mp3 24"])/3:])
	half, header := e["flac"][len(e["flac"])/3:], e["flac"][:bytes.Index(e["flac"], []byte("\xff\xf8"))]
	f.add("from the middle.flac", "in front are no sound", half).like(slices.Concat(header, half))
	f.add("from the middle.ogg", "are left out", e["ogg"][len(e["ogg"])/2:], e["ogg b"]).like(e["ogg b"])
}

// addJoined adds several streams in one file.
func (f folder) addJoined(e map[string][]byte) {
	f.add("two.mp3", "", e["mp3"], e["mp3 b"])
	f.add("two with tags.mp3", "", id3(3, 0, "ID3"), e["mp3"], id3v1(), id3(4, 0, "ID3"), e["mp3 b"], id3v1())
	f.add("zeros between.mp3", "", e["mp3"], make([]byte, 3_000), e["mp3 b"])
	f.add("stereo and mono.mp3", "", e["mp3"], e["mp3 mono"])
	f.add("rates.mp3", "", e["mp3 24"], e["mp3 48"])
	f.add("rates, back again.mp3", "", e["mp3"], e["mp3 24"], e["mp3"])
	f.add("two.ogg", "", e["ogg"], e["ogg b"])
	f.add("two with a tag.ogg", "", e["ogg"], e["ogg b"], id3v1())
	f.add("rates.ogg", "", e["ogg"], e["ogg 22"])
	f.add("three.ogg", "", e["ogg 22"], e["ogg b"], e["ogg"])
	f.add("rates.flac", "of another rate, size", e["flac"], e["flac 24"]).like(e["flac"])
	f.add("two.flac", "files are joined", e["flac"], e["flac"]).like(e["flac"], e["flac"])
}

// addCounted adds files whose counters are wrong.
func (f folder) addCounted(e map[string][]byte) {
	changed := func(format, mark string, offset int, to ...byte) []byte {
		b := slices.Clone(e[format])
		copy(b[bytes.Index(b, []byte(mark))+offset:], to)
		return b
	}
	frames := binary.BigEndian.Uint32(e["mp3"][bytes.Index(e["mp3"], []byte("Info"))+8:])
	f.add("frames plus 1.mp3", "", changed("mp3", "Info", 8, 0, 0, byte((frames+1)>>8), byte(frames+1)))
	f.add("frames 1.mp3", "", changed("mp3", "Info", 8, 0, 0, 0, 1))
	f.add("frames 1000000.mp3", "is truncated", changed("mp3", "Info", 8, 0, 0x0f, 0x42, 0x40))
	for name, length := range map[string]string{"0": "\x00\x00\x00\x00", "7ffff000": "\x00\xf0\xff\x7f", "ffffffff": "\xff\xff\xff\xff", "7fffffff": "\xff\xff\xff\x7f"} {
		f.add("length "+name+".wav", "", changed("wav", "data", 4, []byte(length)...))
	}
	// The total stands in the last 36 bits in front of the checksum of the header.
	f.add("total 0.flac", "", changed("flac", "fLaC", 21, e["flac"][21]&0xf0, 0, 0, 0, 0))
	f.add("total too small.flac", "", changed("flac", "fLaC", 21, e["flac"][21]&0xf0, 0, 0, 0x40, 0))
	f.add("total too large.flac", "is truncated", changed("flac", "fLaC", 21, e["flac"][21]&0xf0, 0, 0x10, 0, 0))
}

// addCut adds files that end too early.
func (f folder) addCut(e map[string][]byte) {
	less := func(format string, n int) []byte { return e[format][:len(e[format])-n] }
	f.add("last frame short.mp3", "is left out", less("mp3", 30))
	f.add("half.mp3", "is truncated", less("mp3 b", len(e["mp3 b"])/2))
	f.add("last frame short.flac", "is truncated", less("flac", 100))
	f.add("half.flac", "is truncated", less("flac 24", len(e["flac 24"])/2))
	f.add("last sample short.wav", "", less("wav", 1))
	f.add("half.wav", "is truncated", less("wav b", len(e["wav b"])/2))
	lastPage := bytes.LastIndex(e["ogg"], []byte("OggS"))
	f.add("no last page.ogg", "has no end mark", e["ogg"][:lastPage])
	f.add("last page short.ogg", "has no end mark", less("ogg", 20))
	f.add("stitched, no last page.ogg", "has no end mark", e["ogg"][:lastPage], e["ogg b"])
	changed := func(format string, at, n int) []byte {
		b := slices.Clone(e[format])
		for i := range n {
			b[at+i] ^= 0x55
		}
		return b
	}
	after := func(format, mark string, at int) int { return at + bytes.Index(e[format][at:], []byte(mark)) }
	middle := after("ogg", "OggS", len(e["ogg"])/3)
	next := after("ogg", "OggS", middle+4)
	frame := after("mp3", "\xff\xfb", 418*20-100)
	second := after("mp3", "\xff\xfb", frame+400)
	f.add("page gone.ogg", "pages are missing", e["ogg"][:middle], e["ogg"][next:])
	f.add("page broken.ogg", "pages are missing", changed("ogg", middle+100, 1)).like(slices.Concat(e["ogg"][:middle], e["ogg"][next:]))
	f.add("header broken.mp3", "are left out", changed("mp3", frame, 4)).like(slices.Concat(e["mp3"][:frame], e["mp3"][second:]))
	f.add("bytes broken.mp3", "", changed("mp3", frame+200, 40))
	f.add("long tag.mp3", "are left out", []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"), e["mp3"]).like(e["mp3"])
	f.add("cut out.mp3", "is truncated", e["mp3"][:8_000], e["mp3"][20_000:])
}
