package scenarios

import (
	"path/filepath"
	"slices"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// conversation is queue-low without its work. The parts of module pd answer from a
// recording that real parts made beforehand, in all styles alike: no library is read, no
// passage chosen, no cooldown stored. The stimuli, the calls between parts, the
// arguments and the lines in every lane are those of queue-low. What is left is the
// cost of the conversation on a base of a microsecond, where a difference of 25 µs
// cannot hide in the noise of a millisecond.
//
// The difference between styles is smaller here than in queue-low as far as the work
// itself becomes slower there: colder caches, other cores. The report shows both.
//
// NATS has a scenario of its own: it takes a thousand times as long, so that no slice would
// suit both.
func (s styles) conversation() runner.Scenario {
	return s.alone("conversation", "direct", "bus")
}

func (s styles) conversationNATS() runner.Scenario {
	apart := s.alone("conversation-nats", "direct", "nats")
	apart.Answers = "What does the conversation of a refill cost over NATS when the work is taken out of it?"
	return apart
}

func (s styles) alone(name string, of ...string) runner.Scenario {
	return runner.Scenario{
		Name:    name,
		Styles:  of,
		Answers: "What does the conversation of a refill cost when the work is taken out of it?",
		Op:      "refill without its work",
		Alone:   "queue-low",
		Keys:    keysOf(of, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey, workload.CodecKey, workload.PlantedKey, workload.EnvelopeKey, workload.BroadcastKey, workload.FlavorKey),
		Script:  60,
		// No Stages: parts that replay do not use the store, where a stage is slowed down.
		Claims:  conversationClaims,
		Prepare: prepareConversation,
		Open: func(setup runner.Setup) (runner.Workload, error) {
			recording, err := workload.ReadRecording(filepath.Join(setup.Shared, recordingFile))
			if err != nil {
				return nil, err
			}
			w := &workload.Workload{Script: workload.LowAt, Drive: workload.ClosedSampled, Count: workload.Refills, Each: 9, Crosses: workload.RefillCrosses}
			return s.Start(setup, w, func(c *player.Config) { c.Replay = recording })
		},
	}
}

const (
	recordingFile    = "recording.json"
	recordedRefills  = 64
	recordedPassages = 1000 // as in queue-low
)

func prepareConversation(setup runner.Setup) error {
	if err := workload.Prepare(setup, recordedPassages); err != nil {
		return err
	}
	return workload.MakeRecording(setup, filepath.Join(setup.Shared, recordingFile), sqlite.Epoch, recordedRefills)
}

var conversationClaims = []runner.Claim{
	{Text: "orchestration adds 12.5–44.5 µs, typically 25", Source: workload.OverheadDocument, Kind: "estimate",
		Style: "bus", Quantity: "overhead_ns", Lo: workload.Us(12.5), Hi: workload.Us(44.5)},
}

// keysOf are those of the keys that one of the styles has.
func keysOf(styles []string, keys ...runner.Key) []runner.Key {
	return slices.DeleteFunc(keys, func(k runner.Key) bool {
		return len(k.Styles) > 0 && !slices.ContainsFunc(styles, func(style string) bool { return slices.Contains(k.Styles, style) })
	})
}
