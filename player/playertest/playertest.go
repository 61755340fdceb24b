// Package playertest is the player's contract as a test suite that every style has to
// pass. The same scripts must leave the same lanes, line by line, and the same store in
// every style. Refusals must have the same codes. Close must leave nothing behind.
// Styles and stores come in as values.
package playertest

import (
	"fmt"
	"slices"
	"testing"

	"rubato/player"
)

// A Suite is what to test.
type Suite struct {
	// Styles to test. The first is the reference.
	Styles []player.Style
	// Store returns a new copy of the same library each time. The test's Cleanup closes
	// it.
	Store func(testing.TB) player.Store
	// Start is where the library's history ends.
	Start player.Ticks
	// Golden is the file of the expected transcript. -update rewrites it.
	Golden string
	// Keeps are the styles, by name, in which a message that is said while module log is
	// stopped is not lost. Its outcome comes too late, but it is stored when log starts. They
	// refuse to send messages together.
	Keeps []string
	// Refuses are the styles, by name, that need a codec: values cannot stay in one process.
	Refuses []string
	// Apart are the styles, by name, with module log in another process. They refuse filters, which
	// are functions of this one.
	Apart []string
	// Sockets are the styles, by name, that open sockets though they are not on NATS: the leak check
	// must see those, too.
	Sockets []string
	// Listening is the file of what deck and audience must see.
	Listening string
}

// Run runs the whole suite.
func (s Suite) Run(t *testing.T) {
	t.Run("transcript", s.transcript)
	t.Run("everything", s.everything)
	t.Run("listening", s.listening)
	t.Run("selection fails", s.selectionFails)
	t.Run("drafts", s.drafts)
	for _, style := range s.Styles {
		t.Run(style.Name, func(t *testing.T) {
			one := subject{s, style}
			t.Run("posted", one.posted)
			t.Run("refusals", one.refusals)
			t.Run("failures", one.failures)
			t.Run("stopped", one.stopped)
			t.Run("closed", one.closed)
			t.Run("leaks", one.leaks)
		})
	}
}

// Token authorises the commands of the evening's script.
const Token = "let me in"

// subject is one style of the suite.
type subject struct {
	Suite
	style player.Style
}

func (s subject) open(t testing.TB, config player.Config) player.Player {
	t.Helper()
	if config.Store == nil {
		config.Store = s.Store(t)
	}
	p, err := s.style.Open(config)
	if err != nil {
		t.Fatalf("open %s: %v", s.style.Name, err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// script is n refills and messages.
func (s Suite) script(n int) []player.Stimulus {
	var out []player.Stimulus
	for i := range n {
		at := s.Start + player.Ticks(i)*player.Hour
		stimulus := player.Stimulus{Kind: player.QueueLow, Seq: uint64(i + 1), At: at, Seed: uint64(i) * 7919}
		if i%3 != 0 {
			stimulus = s.message(i)
		}
		out = append(out, stimulus)
	}
	return out
}

// evening is a script of everything that can happen. Only Token may command.
func (s Suite) evening() []player.Stimulus {
	at := s.Start
	out := []player.Stimulus{{Kind: player.QueueLow, At: at, Seed: 1}, {Kind: player.QueueLow, At: at + player.Hour, Seed: 2}}
	out = append(out,
		player.Stimulus{Kind: player.Control, Command: player.Play, Token: Token},
		player.Stimulus{Kind: player.Control, Command: player.Pause, Token: "somebody else"},
		player.Stimulus{Kind: player.Control, Command: player.Pause, Token: Token},
		player.Stimulus{Kind: player.Control, Command: player.Pause, Token: Token},
		player.Stimulus{Kind: player.Control, Command: "dance", Token: Token},
		player.Stimulus{Kind: player.Control, Command: player.Stop, Token: Token},
		player.Stimulus{Kind: player.VolumeSet, Volume: 70},
		player.Stimulus{Kind: player.VolumeSet, Volume: 101},
		player.Stimulus{Kind: player.BufferReady, Passage: 1_000_000},
	)
	for i := range 6 {
		at += player.Hour
		out = append(out, player.Stimulus{Kind: player.BufferReady}, player.Stimulus{Kind: player.BufferReady},
			player.Stimulus{Kind: player.PassageEnd, At: at, Seed: uint64(i)}, s.message(i))
	}
	out = append(out, player.Stimulus{Kind: player.PassageEnd, At: at + player.Second, Seed: 77},
		player.Stimulus{Kind: player.PassageEnd, At: at + 2*player.Second}, player.Stimulus{Kind: player.PassageEnd, At: at + 3*player.Second},
		player.Stimulus{Kind: player.PassageEnd, At: at + 4*player.Second})
	for i := range out {
		out[i].Seq = uint64(i + 1)
	}
	return out
}

func (s Suite) message(i int) player.Stimulus {
	return player.Stimulus{Kind: player.MessageSaid, Seq: uint64(i + 1), Message: player.Message{
		Username: fmt.Sprintf("user-%d", i%5),
		Text:     fmt.Sprintf("message %d \"quoted\", in two\nlines, with é and \u2028", i),
		At:       s.Start + player.Ticks(i)*player.Second,
	}}
}

func observe(t testing.TB, p player.Player) player.Observation {
	t.Helper()
	seen, err := p.Observe()
	if err != nil {
		t.Fatal("observe:", err)
	}
	return seen
}

// diff describes the first difference between two observations, "" without one.
func diff(want, got player.Observation) string {
	if len(want.Lanes) != len(got.Lanes) {
		return fmt.Sprintf("%d lanes, want %d", len(got.Lanes), len(want.Lanes))
	}
	for i, lane := range want.Lanes {
		if d := diffLane(lane, got.Lanes[i]); d != "" {
			return d
		}
	}
	if want.Stored != got.Stored {
		return fmt.Sprintf("stored %+v, want %+v", got.Stored, want.Stored)
	}
	if !slices.Equal(want.Queue, got.Queue) {
		return fmt.Sprintf("queue %v, want %v", got.Queue, want.Queue)
	}
	return ""
}

func diffLane(want, got player.Lane) string {
	for i, line := range want.Lines {
		if i >= len(got.Lines) {
			return fmt.Sprintf("lane %s ends before line %d: %s", want.Name, i+1, line)
		}
		if got.Lines[i] != line {
			return fmt.Sprintf("lane %s, line %d: %s, want %s", want.Name, i+1, got.Lines[i], line)
		}
	}
	if want.Name != got.Name || want.Count != got.Count || want.Digest != got.Digest {
		return fmt.Sprintf("lane %s: count %d, digest %x; want %s: %d, %x", got.Name, got.Count, got.Digest, want.Name, want.Count, want.Digest)
	}
	return ""
}
