package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/scenarios/workload"
	"rubato/sqlite"
	"rubato/web"
)

// listening is a style that plays music: the whole player, from the queue to the samples.
// It gets one period after the other, in the player's time. What the deck has decoded, or
// cannot decode, becomes a stimulus between periods. All stimuli go through a
// web.SharedPlayer, as in serve.
//
// The scenario defines what an operation is and what else happens.
type listening struct {
	*workload.Workload
	deck  *tappedDeck
	heard *announcements
	front *web.SharedPlayer
	// effects are those between two counts, and those that there must be.
	effects func(before, after counts) (effects, expected int64)
	digest  func(player.Observation) string

	frames  int          // in a period
	at      player.Ticks // start of the next period
	alive   player.Ticks // of the last marker, or of the last attempt to wake a silent player
	sent    int          // stimuli so far
	silent  int          // periods since the last marker
	settled time.Time    // when the last period had its last effect

	took       *hdrhistogram.Histogram // by the periods of this block
	ops        int                     // of this block
	due        int64                   // operations or messages that must have effects, so far
	before     counts
	refused    int64 // stimuli that the player was right to refuse
	broken     int64 // passages that the deck could not decode
	unplayable int   // files that are not in the library
}

// listen opens a style that plays into output. Close closes both.
func (s styles) listen(setup runner.Setup, output audio.Output, frames int) (*listening, error) {
	left, err := workload.Unplayable(setup)
	if err != nil {
		return nil, errors.Join(err, output.Close())
	}
	deck, err := openDeck(output)
	if err != nil {
		return nil, errors.Join(err, output.Close())
	}
	l := &listening{Workload: &workload.Workload{}, deck: deck, heard: &announcements{counts: map[string]int64{}}, digest: workload.Digest, took: newHistogram(), frames: frames, unplayable: left,
		at: sqlite.Epoch + player.Hour, alive: sqlite.Epoch}
	if _, err := s.Start(setup, l.Workload, func(c *player.Config) { c.Deck, c.Audience = deck, l.heard }); err != nil {
		return nil, errors.Join(err, deck.Close())
	}
	l.front = web.NewSharedPlayer(l.Player, nil)
	return l, nil
}

// period mixes the next frames and sends the stimuli that their markers cause.
func (l *listening) period() error {
	before, _ := l.deck.passes()
	err := audio.Pump(context.Background(), l.deck.Deck, audio.Pumping{Frames: l.frames, Start: l.at, Periods: 1}, l.do)
	l.at += player.Ticks(l.frames) * player.TicksPerFrame
	if err != nil {
		return err
	}
	if after, _ := l.deck.passes(); after != before {
		l.alive, l.silent = l.at, 0
	}
	if l.silent++; l.silent > silence/l.frames {
		return fmt.Errorf("silence for %v of the player's time: check that this music can be decoded and that the library has passages to select", silence/player.SampleRate*time.Second)
	}
	return l.revive()
}

// silence is the longest that may occur, in frames: ten minutes.
const silence = 600 * player.SampleRate

// revive refills the queue of a player that has been silent for RefillInterval with nothing
// queued. Otherwise position markers, which a silent player lacks, cause the refill.
func (l *listening) revive() error {
	if l.at-l.alive < player.RefillInterval {
		return nil
	}
	l.alive = l.at
	waiting, err := l.front.Waiting(context.Background())
	if err != nil || len(waiting) > 0 {
		return err
	}
	return l.do(player.Stimulus{Kind: player.QueueLow, At: l.at})
}

// do sends a stimulus and waits for its effects.
func (l *listening) do(s player.Stimulus) error {
	l.sent++
	s.Seed = runner.SeedAt(l.Seed, l.sent)
	start := time.Now()
	err := l.front.Do(context.Background(), s)
	switch s.Kind {
	case player.Period:
		l.settled = time.Now()
		record(l.took, l.settled.Sub(start))
	case player.BufferFailed:
		l.broken++
	}
	return l.forgive(s, err)
}

// forgive counts the refusals that are correct: no passage to select because of cooldowns, a
// full queue, a passage that is queued already or does not exist, and a skip too soon after
// another.
func (l *listening) forgive(s player.Stimulus, err error) error {
	switch player.CodeOf(err) {
	case "":
		return nil
	case player.NoCandidate, player.QueueFull, player.AlreadyQueued, player.NotFound, player.TooSoon:
		l.refused++
		return nil
	}
	return fmt.Errorf("stimulus of kind %d, %v into the session: %w", s.Kind, (l.at - sqlite.Epoch).Duration(), err)
}

// Close ends the player, its stores, and the deck.
func (l *listening) Close() error {
	l.front.Close()
	return errors.Join(l.Workload.Close(), l.deck.Close())
}

// counts are the effects so far, counted where they are durable or audible.
type counts struct {
	due        int64 // transitions or messages that must have effects
	rows       int64 // of messages, and the sum of users' counters, in the database
	plays      int64 // of play history, in the database
	periods    int64 // mixed
	crossfades int64 // announced
	starts     int64 // of passages, announced
	playing    int64 // passages that have started and not ended: 0 or 1
}

// count takes the counts.
func (l *listening) count(seen player.Observation) (counts, error) {
	status, err := l.front.Status(context.Background())
	passed, _ := l.deck.passes()
	t := counts{
		due:        l.due,
		rows:       workload.Stored(seen),
		plays:      seen.Stored.Plays,
		periods:    int64(seen.Sound.Frames) / int64(l.frames),
		crossfades: l.heard.count(player.Crossfading),
		// The next song of the same passage is announced, too.
		starts: l.heard.count(player.SongChanged) - passed[player.BoundaryMark],
	}
	if status.Passage != 0 {
		t.playing = 1
	}
	return t, err
}

func (t counts) since(before counts) counts {
	return counts{t.due - before.due, t.rows - before.rows, t.plays - before.plays, t.periods - before.periods,
		t.crossfades - before.crossfades, t.starts - before.starts, t.playing - before.playing}
}

// Prepare takes the counts before the block.
func (l *listening) Prepare(_, n int) error {
	l.ops = n
	l.took.Reset()
	l.deck.figures(l.frames) // resets them
	seen, err := l.front.Observe(context.Background())
	if err == nil {
		l.before, err = l.count(seen)
	}
	return err
}

// Work counts the effects since Prepare and digests all lanes, what is stored, and every
// sample.
func (l *listening) Work() (runner.Work, error) {
	peak := host.PeakRSS() // before counting adds to it
	seen, err := l.front.Observe(context.Background())
	if err != nil {
		return runner.Work{}, err
	}
	if seen.Dropped+seen.Rejected > 0 {
		return runner.Work{}, fmt.Errorf("%d messages were dropped, %d rejected", seen.Dropped, seen.Rejected)
	}
	after, err := l.count(seen)
	if err != nil {
		return runner.Work{}, err
	}
	w := runner.Work{Stimuli: int64(l.ops), Lanes: workload.Verbatim(seen),
		Digest: fmt.Sprintf("%s, %d refused, %d broken", l.digest(seen), l.refused, l.broken)}
	w.Effects, w.Expected = l.effects(l.before, after)
	w.Figures = map[string]float64{"refused": float64(l.refused), "broken": float64(l.broken), "unplayable": float64(l.unplayable)}
	if peak > 0 {
		w.Figures["memory"] = float64(peak)
	}
	maps.Copy(w.Figures, l.deck.figures(l.frames))
	return w, nil
}

// listeningMeasures are those of every scenario with sound.
var listeningMeasures = []runner.Measure{
	{Name: "mix-one", Unit: "ns", Better: "less", Doc: "mixing and digesting 10 ms of one passage, median"},
	{Name: "mix-two", Unit: "ns", Better: "less", Doc: "the same of two passages"},
	{Name: "decode", Unit: "x", Better: "more", Doc: "speed of the decoder relative to playback, opening and fading included"},
	{Name: "memory", Unit: "bytes", Better: "less", Doc: "peak memory of this process since the block began, with the runner's own side and, in nats, the server"},
	{Name: "refused", Better: "less", Doc: "stimuli so far that the player was right to refuse: nothing to select, already queued, skipped too soon"},
	{Name: "unplayable", Better: "less", Doc: "files of the folder that cannot be played; making the library names each"},
	{Name: "broken", Better: "less", Doc: "passages so far that the deck could not decode and the player skipped"},
}

// announcements is an Audience that counts what it hears: by kind, and for changes of state
// also by state.
type announcements struct {
	mu     sync.Mutex
	counts map[string]int64
}

// Hear counts.
func (h *announcements) Hear(n player.Announcement) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[n.Kind]++
	if n.Kind == player.StateChanged {
		h.counts[n.Text]++
	}
}

// count returns how often it heard of a kind or a state.
func (h *announcements) count(what string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[what]
}
