package player

// A Source is the sound of a passage, decoded and faded. Only the mixer calls it.
// Another goroutine may fill it at the same time.
type Source interface {
	// Buffered is how many frames can be read now.
	Buffered() int
	// Read reads as many of the next frames as are buffered and fit, and returns how many.
	Read(into []Frame) int
}

// Mixer mixes the passage that plays with the one that follows it: (A + B) × volume.
// Fades are applied when the passages are decoded. The mixer is arithmetic: it neither
// waits nor allocates.
//
// While two passages sound together, only the first makes markers. When it ends, the
// second makes its position markers from there on, and at once those of the song
// boundaries that it has passed.
type Mixer struct {
	playing track
	beside  track // sounds together with the playing one
	cued    track // follows
	volume  float32
	mixed   int64 // frames mixed in this batch
	markers []Marker
	second  [512]Frame // read from beside
}

// A track is a passage in the mixer.
type track struct {
	cut    Cut
	source Source // nil: no passage
	length int64  // in frames
	at     int64  // frames mixed
	mark   int64  // frame of the next position marker
	songs  int    // boundaries passed
}

const intervalFrames = int64(PositionInterval / TicksPerFrame)

// NewMixer returns a mixer at full volume in which nothing plays.
func NewMixer() *Mixer { return &Mixer{volume: 1, markers: make([]Marker, 0, 16)} }

func newTrack(cut Cut, source Source) track {
	return track{cut: cut, source: source, length: cut.Frames(), mark: intervalFrames}
}

// SetVolume takes 0 to MaxVolume.
func (m *Mixer) SetVolume(volume int) { m.volume = float32(volume) / MaxVolume }

// Play starts a passage of at least one frame in place of what sounds. If it sounds
// already, it continues.
func (m *Mixer) Play(cut Cut, source Source) {
	switch source {
	case m.playing.source:
		return
	case m.beside.source:
		m.Halt()
		return
	case m.cued.source:
		m.cued = track{}
	}
	m.playing, m.beside = newTrack(cut, source), track{}
}

// Cue makes a passage of at least one frame follow what sounds. It replaces a cued
// passage that does not sound yet. If it is too late for the crossfade, the passage
// follows without one.
func (m *Mixer) Cue(cut Cut, source Source) { m.cued = newTrack(cut, source) }

// Uncue removes this source if it is cued.
func (m *Mixer) Uncue(source Source) {
	if m.cued.source == source {
		m.cued = track{}
	}
}

// Halt ends the passage that plays. One that sounds beside it continues alone, since it
// could not start again. The positions that it has passed get no markers.
func (m *Mixer) Halt() {
	m.playing, m.beside = m.beside, track{}
	m.playing.mark = (m.playing.at/intervalFrames + 1) * intervalFrames
}

// Playing is the source that plays, nil for none.
func (m *Mixer) Playing() Source { return m.playing.source }

// Sounds reports whether this source sounds. A cued one does not yet.
func (m *Mixer) Sounds(source Source) bool {
	return source != nil && (source == m.playing.source || source == m.beside.source)
}

// Fed reports whether Mix can continue: every source that sounds has a frame buffered.
func (m *Mixer) Fed() bool {
	return m.playing.source == nil || m.playing.source.Buffered() > 0 &&
		(m.beside.source == nil || m.beside.source.Buffered() > 0)
}

// Position is the position in the passage that plays, 0 if none does.
func (m *Mixer) Position() Ticks { return Ticks(m.playing.at) * TicksPerFrame }

// Begin starts a batch of frames. The times of markers count from here.
func (m *Mixer) Begin() {
	m.mixed = 0
	m.markers = m.markers[:0]
}

// Markers are the markers of the batch so far, in order of time. They are valid until
// the next Begin.
func (m *Mixer) Markers() []Marker { return m.markers }

// Mix mixes the next frames of the batch and returns how many. It is fewer than
// len(into) only if a passage that sounds is not decoded far enough; call again for the
// rest. When nothing plays, the rest is silence.
func (m *Mixer) Mix(into []Frame) int {
	done := 0
	for done < len(into) && m.playing.source != nil {
		m.meet()
		n := m.reach(int64(len(into) - done))
		if n == 0 {
			break
		}
		m.add(into[done : done+n])
		done += n
		m.pass()
	}
	scale(into[:done], m.volume)
	if m.playing.source == nil {
		clear(into[done:])
		done = len(into)
	}
	return done
}

// meet starts the cued passage if the crossfade begins at this frame.
func (m *Mixer) meet() {
	if at, ok := m.meeting(); ok && at == m.playing.at {
		m.beside, m.cued = m.cued, track{}
		m.mark(CrossfadeMark, m.playing.at)
	}
}

// meeting is the frame of the playing passage at which the cued one begins. It is false
// if there is no crossfade.
func (m *Mixer) meeting() (at int64, ok bool) {
	if m.cued.source == nil || m.beside.source != nil {
		return 0, false
	}
	overlap := Overlap(m.playing.cut, m.cued.cut)
	return m.playing.length - overlap, overlap > 0
}

// reach is how many frames can be mixed before the next event, at most most.
func (m *Mixer) reach(most int64) int {
	p := &m.playing
	n := min(most, p.length-p.at, p.mark-p.at, int64(p.source.Buffered()))
	if p.songs < len(p.cut.Boundaries) {
		n = min(n, max(frames(p.cut.Boundaries[p.songs])-p.at, 1))
	}
	if at, ok := m.meeting(); ok && at > p.at {
		n = min(n, at-p.at)
	}
	if m.beside.source != nil {
		n = min(n, int64(m.beside.source.Buffered()))
	}
	return int(n)
}

// add mixes frames that are buffered.
func (m *Mixer) add(into []Frame) {
	n := int64(m.playing.source.Read(into))
	m.playing.at += n
	m.mixed += n
	if m.beside.source == nil {
		return
	}
	for len(into) > 0 {
		second := m.second[:min(len(into), len(m.second))]
		m.beside.at += int64(m.beside.source.Read(second))
		for i, f := range second {
			into[i][0] += f[0]
			into[i][1] += f[1]
		}
		into = into[len(second):]
	}
}

// pass makes the markers at the current frame, in this order: position, boundary, end.
func (m *Mixer) pass() {
	p := &m.playing
	if p.at == p.mark {
		m.mark(PositionMark, p.at)
		p.mark += intervalFrames
	}
	for ; p.songs < len(p.cut.Boundaries); p.songs++ {
		at := frames(p.cut.Boundaries[p.songs])
		if at > p.at {
			break
		}
		if at > 0 && at < p.length {
			m.mark(BoundaryMark, at)
		}
	}
	if p.at == p.length {
		m.mark(PassageEndMark, p.at)
		m.follow()
	}
}

// follow makes the next passage the playing one, if there is one.
func (m *Mixer) follow() {
	if m.beside.source == nil {
		m.playing, m.cued = m.cued, track{}
		return
	}
	m.Halt()
	m.pass()
}

func (m *Mixer) mark(kind MarkerKind, position int64) {
	m.markers = append(m.markers, Marker{
		Kind:     kind,
		Passage:  m.playing.cut.Passage,
		Position: Ticks(position) * TicksPerFrame,
		After:    Ticks(m.mixed) * TicksPerFrame,
	})
}

func scale(frames []Frame, volume float32) {
	for i := range frames {
		frames[i][0] *= volume
		frames[i][1] *= volume
	}
}
