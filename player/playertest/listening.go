package playertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rubato/player"
)

// audience writes down what it hears.
type audience struct{ heard []string }

func (a *audience) Hear(n player.Announcement) { a.heard = append(a.heard, fmt.Sprint(n)) }

// listening plays passages on a deck, with people who skip, want and turn: every
// style has to ask the deck for the same, tell the audience the same, and answer
// each stimulus, status and queue alike.
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
				goldenLines(t, s.Listening, got)
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %s", style.Name, firstDifference(want, got))
			}
		}
	}
}

// listen does the script; each answer is the code, and then what people see.
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
	return answers
}

// goldenLines holds what the first style does to a file.
func goldenLines(t *testing.T, path string, got []string) {
	t.Helper()
	golden(t, path, joinLines(got))
}

// stopped: while module log is stopped whoever needs it is answered Unavailable and
// nothing is stored; afterwards all is as before.
func (s subject) stopped(t *testing.T) {
	p := s.open(t, player.Config{Timeout: 100 * time.Millisecond})
	steps := []struct {
		player.Stimulus
		want player.Code
	}{
		{s.message(0), ""},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "kitchen"}, player.Invalid},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "log"}, ""},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "log"}, ""},
		{s.message(1), player.Unavailable},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 3}, player.Unavailable},
		{player.Stimulus{Kind: player.QueueLow, At: s.Start, Seed: 1}, ""},
		{player.Stimulus{Kind: player.ModuleStarted, Module: "log"}, ""},
		{player.Stimulus{Kind: player.ModuleStarted, Module: "log"}, ""},
		{s.message(2), ""},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 4}, ""},
	}
	for i, step := range steps {
		step.Seq = uint64(i + 1)
		if err := p.Do(step.Stimulus); player.CodeOf(err) != step.want {
			t.Errorf("step %d: %v, want code %q", i, err, step.want)
		}
		if seen := observe(t, p); i == 6 && seen.Stored.Messages != 1 {
			t.Errorf("%d messages stored while log was stopped", seen.Stored.Messages-1)
		}
	}
	if seen := observe(t, p); seen.Stored.Messages != 2 || seen.Stored.Said != 2 {
		t.Errorf("stored %d messages and %d counted, want 2 of each", seen.Stored.Messages, seen.Stored.Said)
	}
}
