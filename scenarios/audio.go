package scenarios

import (
	"context"
	"slices"
	"strings"
	"time"

	"rubato/audio"
	"rubato/runner"
)

// onTime plays at real pace, to nowhere: a thread of its own takes a period from a ring
// each time that one is due, as a sound card would. The style fills the ring, through
// the one door that serve has, too; under a storm others want in at the same time.
//
// No style has work in the callback, so all should be as late as the machine itself. A
// metronome in the same process, a like thread without any sound, tells how late that
// is. Both have a processor of Go's scheduler each, beside those that the program has:
// two busy goroutines on two cores make a thread without one miss every other period of
// 10 ms, whatever it does. The case "shared" has none of its own, and no metronome, whose
// processor would be the callback's, too; 100 events a second leave one free nearly
// always, so that it takes a heavier load to be late.
//
// The case "rule" does what is forbidden: something in the callback asks the player.
func (s styleSet) audio() runner.Scenario {
	return runner.Scenario{
		Name:    "audio",
		Answers: "Is the sound there in time, period after period, also when much else goes on?",
		Op:      "period",
		Keys: []runner.Key{
			{Name: "case", Default: strings.Join(audioCases, ","), Values: audioCases, Doc: "10ms: periods of 441 frames; 50ms: of 2208; storm: 100 events a second come in beside; " +
				"shared: the callback has no processor of its own; rule: what is forbidden, a question to the player in the callback"},
			musicKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   200,
		Claims:   audioClaims,
		Measures: slices.Concat(audioMeasures, listeningMeasures),
		Paced:    true,
		Bare:     true,
		Size:     audioSize,
		Prepare:  prepareAudio,
		Open:     s.openAudio,
	}
}

var audioCases = []string{"10ms", "10ms-storm", "50ms", "50ms-storm", "10ms-storm-shared", "10ms-storm-rule"}

// audioSize has blocks of 2.5 s when quick, 20 s by default and a minute when full; less
// of what is there to be compared with.
func audioSize(effort string, options runner.Options) runner.Size {
	name := options["case"]
	long := map[string]time.Duration{"quick": 2500 * time.Millisecond, "default": 20 * time.Second, "full": time.Minute}[effort]
	if name != "10ms" && name != "10ms-storm" {
		long = long * 2 / 5
	}
	size := runner.Size{Ops: int(long / periodOf(name)), Rounds: 3, Warmup: -1, Limit: 3 * time.Minute}
	if effort == "quick" {
		size.Rounds = 1
	}
	return size
}

// prepareAudio makes as much music as is worth making for blocks of that length.
func prepareAudio(setup runner.Setup) error {
	if setup.Effort == "quick" {
		return prepareMusic(setup, seconds(setup.Seed, 2, 15, 20))
	}
	return prepareMusic(setup, seconds(setup.Seed, 6, 30, 45))
}

// periodOf is how long a period of a case is, to the millisecond.
func periodOf(name string) time.Duration {
	length, _, _ := strings.Cut(name, "-")
	d, _ := time.ParseDuration(length) // one of the cases
	return d
}

func (s styleSet) openAudio(setup runner.Setup) (runner.Workload, error) {
	name := setup.Options["case"]
	has := func(word string) bool { return slices.Contains(strings.Split(name, "-"), word) }
	w := &onTime{output: &blockOutput{off: setup.Verbatim}, shared: has("shared")}
	frames := audio.PeriodFrames
	if periodOf(name) == 10*time.Millisecond {
		frames = audio.StrictFrames
	}
	var err error
	if w.listening, err = s.listen(setup, w.output, frames); err != nil {
		return nil, err
	}
	w.effects = w.delivered
	if has("storm") {
		w.storm = newBeside(w.front)
	}
	if has("storm") && !w.output.off {
		w.digest = digestBeside
	}
	if has("rule") {
		w.rule = func() { _, _ = w.front.Status(context.Background()) } // what it is told is of no interest
	}
	return w, nil
}
