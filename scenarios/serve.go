package scenarios

import (
	"io"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
	"rubato/web"
)

// liveToken is what may command playback while the player is served.
const liveToken = "the one at the player"

// Commands are the words of the command line that are the player's own.
func Commands(styles ...player.Style) []runner.Command {
	return []runner.Command{{
		Name: "serve", Doc: "run the player live, with a page and its developer interface",
		Run: web.ServeCommand(liveDeps(styles)),
	}, {
		Name: "trace", Doc: "ask a stored trace: why did this play, what did this rule cause",
		Run: web.TraceCommand(func(path string) (web.TraceReader, error) {
			return sqlite.OpenTrace(path, sqlite.TraceOptions{ReadOnly: true})
		}),
	}}
}

// liveDeps is package web over SQLite, under the stimuli that the scenarios have.
func liveDeps(styles []player.Style) web.Deps {
	return web.Deps{
		Styles: styles, Default: "bus", Epoch: sqlite.Epoch,
		MakeLibrary: makeLive, OpenSound: openLive,
		OpenStore: func(path string) (player.Store, io.Closer, error) {
			store, err := sqlite.Open(path, sqlite.Options{})
			return store, store, err
		},
		OpenTrace: openTrace,
		Stimulus:  liveStimulus, Token: liveToken,
	}
}

func openTrace(path string) (web.Trace, error) {
	store, err := sqlite.OpenTrace(path, sqlite.TraceOptions{})
	return web.Trace{Sink: store, Reader: store, Closer: store}, err
}

// liveStimulus is what the scenarios have, at a time of its own. Of five commands
// one lacks the token, as somebody else's would.
func liveStimulus(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus {
	h := stir(seed, int(seq))
	s := player.Stimulus{Kind: kind, Seq: seq, At: at, Seed: h}
	switch kind {
	case player.MessageSaid:
		s.Message = say(seed, int(seq)).Message
		s.Message.At = at
	case player.VolumeSet:
		s.Volume = int(h % (player.MaxVolume + 1))
	case player.Control:
		s.Command = [...]string{player.Pause, player.Play, player.Play}[h%3]
		if h>>32%5 > 0 {
			s.Token = liveToken
		}
	}
	return s
}
