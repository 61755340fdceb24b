// Command peers measures rivals of rubato's bus: the player with its modules joined by other
// buses, by plain channels and by HTTP, in one table with the styles direct, bus and nats; and the
// buses alone, in the scenario bus-event. It is a module of its own, so that rubato needs none of
// them. It measures nothing by itself: rubato's runner does.
//
// joined.go is the player that they share, messages.go the path of a message, carrier.go what a rival
// has to do, wire.go the JSON of those that carry bytes. Then there is a file for each rival:
// channels.go, eventbus.go, pubsub.go, gochannel.go and watermillnats.go (on watermill.go), http.go.
// spans.go has OpenTelemetry in place of the trace of the style bus.
package main

import (
	"io"
	"log"
	"maps"
	"os"
	"slices"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios"
)

// rivals are those that join the player's modules.
var rivals = []rival{eventBusRival, channelsRival, pubsubRival, gochannelRival, watermillNATSRival, httpRival}

func main() {
	if code, is := natsbus.Child(os.Args[1:], os.Stdin, os.Stdout, scenarios.Reopen); is {
		os.Exit(code)
	}
	log.SetOutput(io.Discard) // only libraries write there
	os.Exit(runner.Main(suite(), os.Args[1:]))
}

// styles are direct, bus and nats as they ship, then OpenTelemetry, then the rivals.
func styles() []player.Style {
	all := []player.Style{direct.Style, orchestrated.Style, natsbus.Style, spansStyle}
	for _, r := range rivals {
		all = append(all, r.style())
	}
	return all
}

// measured are the scenarios in which a rival can stand: those that neither break a network nor
// have processes elsewhere join it.
var measured = []string{"passage-select", "queue-low", "conversation", "conversation-nats", "request-reply", "message-log", "message-mixed"}

// suite is rubato's, with the rivals as styles and the scenario of buses alone.
func suite() runner.Suite {
	s := scenarios.Suite(versions(), styles()...)
	s.Name, s.Published = "peers", nil
	s.Scenarios = slices.DeleteFunc(s.Scenarios, func(c runner.Scenario) bool { return !slices.Contains(measured, c.Name) })
	for i := range s.Scenarios {
		s.Scenarios[i] = withRivals(s.Scenarios[i])
	}
	s.Scenarios = append(s.Scenarios, busEvent())
	return s
}

// withRivals gives the rivals the keys of the engine, which they have as bus and nats do, and lets
// them into the scenarios that name their styles: those within a process beside the bus, those over
// sockets beside NATS.
func withRivals(c runner.Scenario) runner.Scenario {
	var near, far []string
	for _, r := range rivals {
		if r.sockets {
			far = append(far, r.name)
		} else {
			near = append(near, r.name)
		}
	}
	switch c.Name {
	case "conversation":
		c.Styles = slices.Concat(c.Styles, []string{spansStyle.Name}, near)
	case "conversation-nats":
		c.Styles = slices.Concat(c.Styles, far)
	}
	c.Keys = slices.Clone(c.Keys)
	for i, k := range c.Keys {
		switch k.Name {
		case "trace":
			c.Keys[i].Styles = slices.Concat(k.Styles, near, far)
		case "rules":
			c.Keys[i].Styles = slices.Concat(k.Styles, []string{spansStyle.Name}, near, far)
		}
	}
	return c
}

// versions are those of all that the styles stand on.
func versions() map[string]string {
	all := maps.Clone(natsbus.Versions())
	for _, library := range []string{watermillModule, watermillNATSModule, eventBusModule, pubsubModule, otelModule} {
		all[library] = versionOf(library)
	}
	return all
}
