package playertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rubato/player"
)

// audience records what it hears.
type audience struct{ heard []string }

func (a *audience) Hear(n player.Announcement) { a.heard = append(a.heard, fmt.Sprint(n)) }

// listening plays passages on a deck while users skip, request and pause, until the queue
// runs empty. Every style
// must ask the deck for the same, report the same to the audience, and give the same
// answers, status and queue.
func (s Suite) listening(t *testing.T) {
	var want []string
	for i, style := range s.Styles {
		for _, config := range []player.Config{{}, {Dispatch: player.Queued, Trace: player.Tracing{On: true}}} {
			deck, people := &scriptedDeck{}, &audience{}
			config.Deck, config.Audience, config.Token, config.Verbatim = deck, people, Token, true
			p := subject{s, style}.open(t, config)
			answers := s.listen(t, p, deck)
			seen := observe(t, p)
			got := slices.Concat([]string{"ANSWERS"}, answers, []string{"DECK"}, deck.asked, []string{"HEARD"}, people.heard,
				[]string{fmt.Sprint(seen.Sound, seen.Stored, seen.Queue)})
			if i == 0 && config.Dispatch == "" {
				want = got
				golden(t, s.Listening, strings.Join(got, "\n")+"\n")
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %s", style.Name, firstDifference(want, got))
			}
		}
	}
}

// listen does the script. Each answer is the code and then what users see.
func (s Suite) listen(t *testing.T, p player.Player, deck *scriptedDeck) (answers []string) {
	t.Helper()
	at, seq := s.Start, uint64(0)
	do := func(stimulus player.Stimulus) {
		seq++
		stimulus.Seq, stimulus.At, stimulus.Seed = seq, at, seq
		err := p.Do(stimulus)
		status, failed := p.Status(1000 + seq)
		queue, lost := p.Waiting(2000 + seq)
		if failed != nil || lost != nil {
			t.Fatal(failed, lost)
		}
		answers = append(answers, fmt.Sprintf("%d kind %d %q: %v, queue %v", seq, stimulus.Kind, player.CodeOf(err), status, queue))
	}
	queued := func(place int) int64 {
		queue := observe(t, p).Queue
		if place >= len(queue) {
			return 0
		}
		return queue[place].Passage
	}
	command := func(word string) { do(player.Stimulus{Kind: player.Control, Command: word, Token: Token}) }
	period := func() { at += player.Second / 2; do(player.Stimulus{Kind: player.Period, Frames: 441}) }

	command(player.Skip) // nothing plays
	do(player.Stimulus{Kind: player.QueueLow})
	at += 11 * player.Second
	do(player.Stimulus{Kind: player.QueueLow})
	do(player.Stimulus{Kind: player.BufferReady, Passage: queued(1)})
	do(player.Stimulus{Kind: player.BufferReady, Passage: queued(0)})
	for range 32 {
		period()
	}
	for _, passage := range []int64{7, 9, 9, 1 << 40} {
		do(player.Stimulus{Kind: player.Wanted, Passage: passage})
	}
	do(player.Stimulus{Kind: player.BufferFailed, Passage: 7})
	do(player.Stimulus{Kind: player.BufferFailed, Passage: 7})
	do(player.Stimulus{Kind: player.BufferReady, Passage: 9})
	do(player.Stimulus{Kind: player.FlavorWanted, Passage: 12, Until: at + player.Hour})
	do(player.Stimulus{Kind: player.FlavorWanted, Passage: 1 << 40, Until: at + player.Hour})
	do(player.Stimulus{Kind: player.VolumeSet, Volume: 11})
	command(player.Pause)
	period()
	command(player.Play)
	period()
	command(player.Skip)
	do(player.Stimulus{Kind: player.Suggestion})
	do(player.Stimulus{Kind: player.BufferReady, Passage: queued(0)})
	command(player.Skip) // too soon
	for range 45 {       // the queue is reviewed after 10 s, and the passage ends after 15
		period()
	}
	deck.failNext = true
	period()
	do(player.Stimulus{Kind: player.Period})
	for range 2 { // nothing that is queued can be played
		do(player.Stimulus{Kind: player.BufferFailed, Passage: queued(1)})
	}
	command(player.Skip)
	do(player.Stimulus{Kind: player.BufferFailed, Passage: queued(0)}) // the refill, too: the next has to wait
	for range 22 {                                                     // 11 s of silence
		at += player.Second / 2
		do(player.Stimulus{Kind: player.Period, Frames: player.SampleRate / 2})
	}
	do(player.Stimulus{Kind: player.BufferReady, Passage: queued(0)})
	return answers
}

// scriptedDeck is a deck without sound that records what it is asked for. It counts
// frames. A passage is ready when it is loaded; its 4th period passes a boundary, its
// 29th crossfades and its 30th ends it.
type scriptedDeck struct {
	loaded       []int64
	sounds, cued int64
	periods      int // of the passage that sounds
	paused       bool
	asked        []string
	delivered    player.Delivered
	failNext     bool // the next Mix fails
}

func (d *scriptedDeck) did(format string, values ...any) {
	d.asked = append(d.asked, fmt.Sprintf(format, values...))
}

func (d *scriptedDeck) Load(cut player.Cut) error {
	d.loaded = append(d.loaded, cut.Passage)
	d.did("load %d %d-%d", cut.Passage, cut.Start, cut.End)
	return nil
}

func (d *scriptedDeck) Drop(passage int64) {
	d.loaded = slices.DeleteFunc(d.loaded, func(l int64) bool { return l == passage })
	d.did("drop %d", passage)
}

func (d *scriptedDeck) Play(passage int64) error {
	if err := d.known(passage); err != nil {
		return err
	}
	if d.sounds != passage {
		d.sounds, d.periods = passage, 0
	}
	if d.cued == passage {
		d.cued = 0
	}
	d.did("play %d", passage)
	return nil
}

func (d *scriptedDeck) Cue(passage int64) error {
	if err := d.known(passage); err != nil {
		return err
	}
	d.cued = passage
	d.did("cue %d", passage)
	return nil
}

func (d *scriptedDeck) known(passage int64) error {
	if !slices.Contains(d.loaded, passage) {
		return &player.Error{Code: player.NotFound, Op: "scripted deck", Err: fmt.Errorf("passage %d is not ready", passage)}
	}
	return nil
}

func (d *scriptedDeck) Halt()                { d.sounds = 0; d.did("halt") }
func (d *scriptedDeck) Pause(paused bool)    { d.paused = paused; d.did("pause %v", paused) }
func (d *scriptedDeck) SetVolume(volume int) { d.did("volume %d", volume) }
func (d *scriptedDeck) Position() player.Ticks {
	return player.Ticks(d.periods) * player.PositionInterval
}
func (d *scriptedDeck) Delivered() player.Delivered { return d.delivered }

func (d *scriptedDeck) Mix(frames int) ([]player.Marker, error) {
	if d.failNext {
		d.failNext = false
		return nil, errFault
	}
	d.delivered.Frames += uint64(frames)
	if d.paused || d.sounds == 0 {
		return nil, nil
	}
	d.periods++
	at := d.Position()
	markers := []player.Marker{{Kind: player.PositionMark, Passage: d.sounds, Position: at, After: 64}}
	switch d.periods {
	case 4:
		markers = append(markers, player.Marker{Kind: player.BoundaryMark, Passage: d.sounds, Position: at, After: 128})
	case 29:
		if d.cued != 0 {
			markers = append(markers, player.Marker{Kind: player.CrossfadeMark, Passage: d.sounds, Position: at, After: 256})
		}
	case 30:
		markers = append(markers, player.Marker{Kind: player.PassageEndMark, Passage: d.sounds, Position: at, After: 512})
		d.Drop(d.sounds)
		d.sounds, d.cued, d.periods = d.cued, 0, 0
	}
	return markers, nil
}
