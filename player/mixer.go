package player

// A Source is the sound of a passage, decoded and faded. Both calls are made by the
// mixer alone; what fills the source may do so meanwhile.
type Source interface {
	// Buffered is how many frames can be read now.
	Buffered() int
	// Read takes the next frames, as many as are buffered and fit, and says how many.
	Read(into []Frame) int
}

// Mixer makes what is heard of the passage that plays and the one that follows it:
// (A + B) × volume. It only adds: fades were applied when the passages were decoded.
// It is arithmetic, and neither waits nor allocates.
//
// Of two passages that sound together only the first passes markers. The second has
// its turn when the first has ended: from there on it tells its positions, and at
// once the boundaries that it has left behind.
type Mixer struct {
	playing track
	beside  track // sounds together with the one that plays
	cued    track // follows
	volume  float32
	mixed   int64 // frames of this batch
	markers []Marker
	second  [512]Frame // of the one beside
}

// A track is a passage in the mixer.
type track struct {
	cut    Cut
	source Source // nil: no passage
	length int64  // in frames
	at     int64  // frames mixed
	mark   int64  // where its next position marker is
	songs  int    // boundaries passed
}

const intervalFrames = int64(PositionInterval / TicksPerFrame)

// NewMixer returns a mixer in which nothing plays, at full volume.
func NewMixer() *Mixer { return &Mixer{volume: 1, markers: make([]Marker, 0, 16)} }

func newTrack(cut Cut, source Source) track {
	return track{cut: cut, source: source, length: cut.Frames(), mark: intervalFrames}
}

// SetVolume takes 0 to MaxVolume.
func (m *Mixer) SetVolume(volume int) { m.volume = float32(volume) / MaxVolume }

// Play has a passage of at least one frame sound in place of what sounds. One that
// sounds already goes on.
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

// Cue has a passage of at least one frame follow what sounds, in place of one that
// was cued before and does not sound yet. One that comes too late for the crossfade
// follows without one.
func (m *Mixer) Cue(cut Cut, source Source) { m.cued = newTrack(cut, source) }

// Uncue forgets that this source is cued; another stays.
func (m *Mixer) Uncue(source Source) {
	if m.cued.source == source {
		m.cued = track{}
	}
}

// Halt ends the passage that plays. One that sounds beside it goes on alone, since
// it could not be begun again; positions that it has reached so far stay untold.
func (m *Mixer) Halt() {
	m.playing, m.beside = m.beside, track{}
	m.playing.mark = (m.playing.at/intervalFrames + 1) * intervalFrames
}

// Playing is the source of what plays, nil for nothing.
func (m *Mixer) Playing() Source { return m.playing.source }

// Sounds tells whether this source is heard; one that is cued is not yet.
func (m *Mixer) Sounds(source Source) bool {
	return source != nil && (source == m.playing.source || source == m.beside.source)
}

// Fed tells whether Mix can go on: everything that sounds has a frame buffered.
func (m *Mixer) Fed() bool {
	return m.playing.source == nil || m.playing.source.Buffered() > 0 &&
		(m.beside.source == nil || m.beside.source.Buffered() > 0)
}

// Position is how far into the passage that plays, 0 when none does.
func (m *Mixer) Position() Ticks { return Ticks(m.playing.at) * TicksPerFrame }

// Begin starts a batch: markers count from here.
func (m *Mixer) Begin() {
	m.mixed = 0
	m.markers = m.markers[:0]
}

// Markers are what the batch has passed so far, soonest first. They are the mixer's
// until the next Begin.
func (m *Mixer) Markers() []Marker { return m.markers }

// Mix mixes the next frames of the batch and says how many. There are fewer than
// fit only when a passage that sounds is not decoded so far; call again for the
// rest when it is. When nothing plays, the rest is silence.
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

// meet has the cued passage begin when this is the very frame where the crossfade does.
func (m *Mixer) meet() {
	if at, ok := m.meeting(); ok && at == m.playing.at {
		m.beside, m.cued = m.cued, track{}
		m.tell(CrossfadeMark, m.playing.at)
	}
}

// meeting is the frame of what plays at which the cued passage begins beside it;
// false when it does not.
func (m *Mixer) meeting() (at int64, ok bool) {
	if m.cued.source == nil || m.beside.source != nil {
		return 0, false
	}
	overlap := Overlap(m.playing.cut, m.cued.cut)
	return m.playing.length - overlap, overlap > 0
}

// reach is how many frames can be mixed before something happens: at most most.
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

// add mixes frames that are known to be buffered.
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

// pass tells the markers at the frame that has been reached. Of several at one
// frame: position, boundary, end.
func (m *Mixer) pass() {
	p := &m.playing
	if p.at == p.mark {
		m.tell(PositionMark, p.at)
		p.mark += intervalFrames
	}
	for ; p.songs < len(p.cut.Boundaries); p.songs++ {
		at := frames(p.cut.Boundaries[p.songs])
		if at > p.at {
			break
		}
		if at > 0 && at < p.length {
			m.tell(BoundaryMark, at)
		}
	}
	if p.at == p.length {
		m.tell(PassageEndMark, p.at)
		m.follow()
	}
}

// follow has the next passage be what plays, if there is one.
func (m *Mixer) follow() {
	if m.beside.source == nil {
		m.playing, m.cued = m.cued, track{}
		return
	}
	m.Halt()
	m.pass()
}

func (m *Mixer) tell(kind MarkerKind, position int64) {
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
