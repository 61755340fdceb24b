package scenarios

import (
	"io"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
	"rubato/web"
)

// Commands are the words of the command line that are the player's own.
func Commands(styles ...player.Style) []runner.Command {
	return []runner.Command{{
		Name: "serve", Doc: "run the player live, with a page and its developer interface",
		Run: web.ServeCommand(liveDeps(styles)),
	}}
}

// liveDeps is package web over SQLite, under the stimuli that the scenarios have.
func liveDeps(styles []player.Style) web.Deps {
	return web.Deps{
		Styles: styles, Default: "bus", Epoch: sqlite.Epoch,
		MakeLibrary: func(path string, passages int, seed uint64) error {
			return sqlite.Make(path, sqlite.Library{Passages: passages, Seed: seed}, nil)
		},
		OpenStore: func(path string) (player.Store, io.Closer, error) {
			store, err := sqlite.Open(path, sqlite.Options{})
			return store, store, err
		},
		OpenTrace: openTrace,
		Stimulus:  liveStimulus,
	}
}

func openTrace(path string) (web.Trace, error) {
	store, err := sqlite.OpenTrace(path, sqlite.TraceOptions{})
	return web.Trace{Sink: store, Reader: store, Closer: store}, err
}

// liveStimulus is what the scenarios have, at a time of its own.
func liveStimulus(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus {
	s := say(seed, int(seq))
	if kind == player.QueueLow {
		s = lowAt(seed, int(seq))
	}
	s.Seq, s.At, s.Message.At = seq, at, at
	return s
}
