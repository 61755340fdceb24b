package scenarios

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/reports"
	"rubato/results"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
	"rubato/sqlite/tracedb"
	"rubato/web"
	"rubato/web/live"
)

// liveToken is the token that permits commands while the player is served.
const liveToken = "the one at the player"

// Commands are the player's own commands of the command line.
func Commands(styles ...player.Style) []runner.Command {
	return []runner.Command{{
		Name: "serve", Doc: "run the player live, with a page and its developer interface",
		Run: live.ServeCommand(liveDeps(styles)),
	}, {
		Name: "trace", Doc: "ask a stored trace: why did this play, what did this rule cause",
		Run: live.TraceCommand(func(path string) (live.TraceReader, error) {
			return tracedb.Open(path, tracedb.Options{ReadOnly: true})
		}),
	}, {
		Name: workload.WorkerCommand, Doc: "store the messages of a player that runs elsewhere",
		Run: workerCommand(styles, os.Stdin),
	}}
}

// liveDeps serves the player over SQLite, with the stimuli of the scenarios.
func liveDeps(styles []player.Style) live.Deps {
	var program []string // itself; where the system does not tell, -beside says so
	if path, err := os.Executable(); err == nil {
		program = []string{path, "serve"}
	}
	return live.Deps{
		Program: program, Stdin: os.Stdin,
		Styles: styles, Default: "bus", Epoch: sqlite.Epoch,
		MakeLibrary: makeLive, OpenSound: openLive, Playable: workload.Playable,
		OpenStore: func(path string) (player.Store, io.Closer, error) {
			store, err := sqlite.Open(path, sqlite.Options{})
			return store, store, err
		},
		OpenTrace: openTrace,
		Titles:    func(path string) (web.Titles, error) { return sqlite.Titles(path) },
		Stimulus:  liveStimulus, Token: liveToken, Runs: live.Runs{Names: runNames, Whole: runWhole, Report: runReport, Script: reports.ScriptHash()},
	}
}

// runNames is a past run in short, read without its figures.
func runNames(folder fs.FS) live.RunLine { return runLine(results.Names(folder)) }

// runWhole is a past run in short, with all that it lacks.
func runWhole(folder *os.Root) live.RunLine {
	past, err := results.Read(folder.FS())
	if err != nil {
		return runNames(folder.FS())
	}
	past.Lacks = reports.Missing(folder.Name(), past)
	return runLine(past)
}

func runLine(past results.Past) live.RunLine {
	run := past.Run
	l := live.RunLine{Started: run.Started, Took: time.Duration(run.Seconds * float64(time.Second)).Round(time.Second), Effort: run.Effort, Lacks: past.Lacks}
	for _, s := range run.Styles {
		l.Styles = append(l.Styles, s.Name)
	}
	for _, s := range run.Scenarios {
		l.Scenarios = append(l.Scenarios, s.Name)
	}
	if run.Incomplete != "" {
		l.Lacks = append(l.Lacks, "the run is incomplete: "+run.Incomplete)
	}
	return l
}

// runReport draws the report of a past run as far as it can be read.
func runReport(folder *os.Root) ([]byte, error) {
	past, err := results.Read(folder.FS())
	if err != nil || past.Later {
		return nil, err
	}
	reports.Summarize(past.Run, past.Details)
	return reports.Page(folder.Name(), past)
}

func openTrace(path string) (live.Trace, error) {
	store, err := tracedb.Open(path, tracedb.Options{})
	return live.Trace{Sink: store, Reader: store, Closer: store}, err
}

// liveStimulus is a stimulus as in the scenarios, at a given time. One command of five lacks
// the token and is refused.
func liveStimulus(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus {
	h := runner.SeedAt(seed, int(seq))
	s := player.Stimulus{Kind: kind, Seq: seq, At: at, Seed: h}
	switch kind {
	case player.MessageSaid:
		s.Message = workload.Say(seed, int(seq)).Message
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

// makeLive makes the library to serve: over the user's music, over made music, or without.
func makeLive(path string, wish live.LibraryWish, say func(string)) error {
	library := sqlite.Library{Passages: wish.Passages, Seed: wish.Seed}
	var found []audio.Track
	var err error
	switch {
	case wish.Music != "":
		found, err = scanLive(wish.Music, say)
	case wish.Tracks != "":
		say("making music in " + wish.Tracks)
		found, err = liveTracks(wish.Tracks, wish.Seed)
	}
	for _, t := range found {
		library.Tracks = append(library.Tracks, sqlite.Track(t))
	}
	if err != nil {
		return err
	}
	return sqlite.Make(path, library, nil)
}

// scanLive finds the user's music. It reports the files that cannot be played, and those that
// do not play whole.
func scanLive(folder string, say func(string)) ([]audio.Track, error) {
	found, err := audio.Scan(folder, 0)
	for _, s := range found.Skipped {
		say(fmt.Sprintf("skipped: %q: %s", s.Path, s.Why))
	}
	for _, n := range found.Notices {
		say(fmt.Sprintf("notice: %q: %s", n.Path, n.Text))
	}
	if err != nil {
		return nil, &player.Error{Code: player.Invalid, Op: "read the music", Err: err}
	}
	say(fmt.Sprintf("%d files to play, %d skipped", len(found.Tracks), len(found.Skipped)))
	return found.Tracks, nil
}

// liveTracks makes a dozen tracks of half a minute to a minute and a half: long enough to
// sound like music, and short enough to wait for.
func liveTracks(folder string, seed uint64) ([]audio.Track, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	return audio.MakeTracks(folder, seed, workload.Seconds(seed, 12, 30, 90))
}

// liveSound is a deck at real pace.
type liveSound struct{ *audio.Deck }

// Pump drives the player at the pace of the output.
func (s liveSound) Pump(ctx context.Context, do func(player.Stimulus) error) error {
	return audio.Pump(ctx, s.Deck, audio.Pumping{Frames: audio.PeriodFrames}, do)
}

func openLive() (live.Sound, error) {
	output := audio.OpenRealTime(audio.RealTimeOptions{})
	deck, err := audio.NewDeck(audio.DeckOptions{Output: output})
	if err != nil {
		_ = output.Close()
		return nil, err
	}
	return liveSound{deck}, nil
}
