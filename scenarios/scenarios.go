// Package scenarios holds the scenarios, one file each: the stimuli that the player gets,
// the settings, the effects that it must have, and the published figures that the
// scenario checks. Package workload opens stores and styles for them; package components
// has the scenarios of single pieces. The runner measures them and knows no style.
package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/scenarios/components"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// Suite returns all scenarios in all of these styles. The first style is the baseline.
func Suite(versions map[string]string, of ...player.Style) runner.Suite {
	s := styles{of}
	suite := runner.Suite{Name: "rubato", Scenarios: reachable(of, observed(s.all())), Published: published,
		Versions: map[string]string{"sqlite": sqlite.Version()}}
	for _, style := range of {
		suite.Styles = append(suite.Styles, runner.Style{Name: style.Name, Doc: style.Doc, Plain: style.Plain})
	}
	for name, version := range versions {
		suite.Versions[name] = version
	}
	return suite
}

// Reopen opens the store of a module that is in a process of its own.
func Reopen(how []byte) (player.Reopened, error) { return workload.Reopen(how) }

// all returns the scenarios in the order of rubato list: the player's work, messages,
// modules over time, and the pieces.
func (s styles) all() []runner.Scenario {
	return []runner.Scenario{
		s.passageSelect(),
		s.queueLow(),
		s.conversation(), s.conversationNATS(),
		s.httpRequest(),
		s.sseBroadcast(),
		s.crossfade(),
		s.audio(),
		s.storm(),
		s.manyRules(),
		s.breakEven(),
		s.messageLog(),
		s.messageBurst(),
		s.messageSustained(),
		s.messageMixed(),
		s.messageConcurrent(),
		s.requestReply(),
		s.idle(),
		s.soak(),
		s.restart(),
		s.playerHour(),
		s.scaleOut(),
		components.Alternatives(),
		components.Pieces(),
	}
}

// styles are those that scenarios may open. The first is the baseline.
type styles struct{ workload.Styles }

// observed adds the instruments that can be switched off to measure their cost: the digests
// of lanes, in all scenarios but the pieces, and the trace, in the styles that have one.
func observed(scenarios []runner.Scenario) []runner.Scenario {
	for i := range scenarios {
		s := &scenarios[i]
		s.Verified = s.Arms == nil
		at := slices.IndexFunc(s.Keys, func(k runner.Key) bool { return k.Name == workload.TraceKey.Name })
		if at < 0 {
			continue
		}
		for _, style := range s.Keys[at].Styles {
			s.Instruments = append(s.Instruments, runner.Instrument{Name: "trace", Style: style, Without: runner.Options{workload.TraceKey.Name: "off"},
				Doc: "actions, flows and edges, kept as -set trace says"})
		}
	}
	return scenarios
}

// reachable has a transport other than the default tried before anything is measured: a server
// that is not there, or does not let rubato in, is bad input.
func reachable(of []player.Style, scenarios []runner.Scenario) []runner.Scenario {
	tried := map[string]func() error{}
	for _, value := range workload.TransportKey.Values {
		tried[value] = sync.OnceValue(func() error { return tryTransport(of, value) })
	}
	fits := deliverable(of)
	for n, s := range scenarios {
		if slices.ContainsFunc(s.Keys, func(k runner.Key) bool { return k.Name == workload.TransportKey.Name }) {
			scenarios[n].Fits = func(o runner.Options) error {
				if s.Fits == nil {
					return fits(o)
				}
				return cmp.Or(s.Fits(o), fits(o))
			}
		}
		for i := range s.Keys {
			if s.Keys[i].Name == workload.TransportKey.Name {
				s.Keys[i].Check = func(value string) error { return tried[value]() }
			}
		}
	}
	return scenarios
}

func tryTransport(of []player.Style, value string) error {
	if value == workload.TransportKey.Default {
		return nil
	}
	if (value == "process" || value == workload.SplitTransport) && !host.SeesProcesses {
		return fmt.Errorf("on %s the CPU time of a process is not known while it runs: measure it on Linux, or use tcp, pipe or cluster", runtime.GOOS)
	}
	return tryPlacement(of, player.Placement{Transport: value})
}

// notSplit refuses a transport that has module log in another process: the scenario looks at each of
// its commits, or gives it functions of its own.
func notSplit(o runner.Options) error {
	if o[workload.TransportKey.Name] != workload.SplitTransport {
		return nil
	}
	return errors.New("this scenario looks at module log while it works, so it needs module log in its own process: use transport=process")
}

// deliverable has a delivery that keeps messages tried with its transport: a server without
// JetStream is bad input, too.
func deliverable(of []player.Style) func(runner.Options) error {
	tried := map[player.Placement]error{}
	return func(o runner.Options) error {
		if o[workload.TransportKey.Name] == "" {
			return nil
		}
		if kills(o) {
			if err := reachesProcesses(o); err != nil {
				return err
			}
		}
		if o[workload.ReceiptsKey.Name] == workload.ReceiptsInDatabase && isDefault(o[workload.DeliveryKey.Name], workload.DeliveryKey) {
			return errors.New("receipts=database does not go with delivery=core, which sends nothing again: use delivery=jetstream-file, or receipts=memory")
		}
		replicas, _ := strconv.Atoi(o[workload.ReplicasKey.Name])
		p := player.Placement{Transport: o[workload.TransportKey.Name], Delivery: o[workload.DeliveryKey.Name], Replicas: replicas,
			Codec: o[workload.CodecKey.Name], Share: o[workload.ShareKey.Name], Envelope: o[workload.EnvelopeKey.Name], Away: kills(o)}
		plain := !p.Away && isDefault(p.Delivery, workload.DeliveryKey) && replicas < 2 && isDefault(p.Share, workload.ShareKey) && p.Transport != workload.SplitTransport
		if plain {
			return nil // an envelope goes with all of that
		}
		if _, before := tried[p]; !before {
			tried[p] = tryPlacement(of, p)
		}
		return tried[p]
	}
}

// isDefault also holds for a key that the scenario has not.
func isDefault(value string, of runner.Key) bool { return value == "" || value == of.Default }

func tryPlacement(of []player.Style, p player.Placement) error {
	for _, style := range of {
		if style.Network == nil {
			continue
		}
		network, err := style.Network(p)
		if err == nil {
			err = network.Close()
		}
		if err != nil {
			var cause *player.Error
			if errors.As(err, &cause) && cause.Err != nil {
				return cause.Err // the code says no more
			}
			return err
		}
	}
	return nil
}

// sizes is the size of a quick run and of all others.
func sizes(quick, other runner.Size) func(string, runner.Options) runner.Size {
	return func(effort string, _ runner.Options) runner.Size {
		if effort == "quick" {
			return quick
		}
		return other
	}
}

// published are the two claims that this project was begun for.
var published = []results.Published{
	{
		ID: "claim-4-percent", Title: "NATS is 4 % faster", Command: "rubato run -controls message-log -set mode=closed,pipelined,closed-batched,batched",
		Text: []string{
			"Published: 1 000 messages of a chat bot take 0.546 s directly and 0.524 s behind NATS, 4.03 % less, with 10.9 % fewer function calls; CPU % is 5.80 % higher, which is explained as idle background cost. Source: " + workload.NatsDocument + ". Calls are counted by rubato count -set mode=pipelined message-log.",
			"How it was found: one run of each, so without a spread. The profile of the run behind NATS shows 411 messages decoded and about as many commits, of 1 000: its clock stopped early. 0.5 s of the timed region were a sleep. The databases were not the same."},
		Done:  0.411,
		Whole: part("message-log", workload.Measured("NATS takes 0.524 s where direct takes 0.546 s, many messages under way", 0.9597).With("mode", "pipelined").Of("nats", "ratio")),
		Parts: []results.Part{
			part("message-log", workload.Measured("the same, one message at a time", 0.9597).With("mode", "closed").Of("nats", "ratio")),
			part("message-log", workload.Measured("the same, with shared commits", 0.9597).With("mode", "batched").Of("nats", "ratio")),
			part("message-log", workload.Measured("CPU is 5.80 % higher (there CPU %, here per operation)", 1.058).With("mode", "pipelined").Of("nats", "cpu_ratio")),
			part("message-log", workload.Measured("direct stores 1 867 messages a second", 1867).With("mode", "closed").Of("direct", "ops_per_second")),
			part("message-log", workload.Measured("NATS stores 2 061 messages a second", 2061).With("mode", "pipelined").Of("nats", "ops_per_second")),
		},
	},
	{
		ID: "claim-25-us", Title: "Orchestration adds 25 µs", Command: "rubato run -controls queue-low conversation components",
		Text: []string{
			"Published: whoever orchestrates a refill of the queue pays 12.5 to 44.5 µs, typically 25: events, rules, conditions, actions and their trace. On a base operation of 200 to 1 700 µs, taken as 700, that is 1.7 to 6.4 %. Source: " + workload.OverheadDocument + ".",
			"How it was found: each part was estimated, and the estimates were added up."},
		Middle: workload.Us(25), Taken: workload.Us(700),
		Whole: part("conversation", workload.Estimate("orchestration adds 12.5–44.5 µs, typically 25", 12.5, 44.5).Added("bus")),
		Base:  &results.Part{Scenario: "queue-low", Claim: workload.Estimate("the base operation takes 200–1 700 µs", 200, 1700).On("direct")},
		Parts: []results.Part{
			part("queue-low", workload.Estimate("the same, in the whole refill", 12.5, 44.5).Added("bus")),
			adds(workload.Estimate("event emission", 1.5, 7).On("emission")),
			adds(workload.Estimate("matching 20 rules", 0.5, 2).Less("match-20", "emission")),
			adds(workload.Estimate("where, 2 queries", 0.5, 1.5).Less("where-2", "where-0")),
			adds(workload.Estimate("invoking three actions", 3, 9).Less("invoke-3", "match-20")),
			adds(workload.Estimate("tracing three actions in memory", 6, 21).Less("activation", "activation-untraced")),
			adds(workload.Estimate("two edges (here one, with two records)", 1, 4).Less("edge", "edge-untraced")),
		},
	},
}

func part(scenario string, c results.Claim) results.Part {
	return results.Part{Scenario: scenario, Claim: c}
}

// adds is an estimate of a piece that was added up.
func adds(c results.Claim) results.Part {
	return results.Part{Scenario: "components", Claim: c, Adds: true}
}
