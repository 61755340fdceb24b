// Command rubato measures what it costs to decouple: one music player wired three
// ways, the same work through each. See README.md, or rubato help.
package main

import (
	"io"
	"log"
	"os"
	"slices"

	"rubato/direct"
	"rubato/external"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/pi"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios"
)

func main() {
	if code, is := natsbus.Child(os.Args[1:], os.Stdin, os.Stdout, scenarios.Reopen); is {
		os.Exit(code)
	}
	log.SetOutput(io.Discard) // only libraries write there; what this program has to say goes to stdout and stderr
	styles := []player.Style{direct.Style, orchestrated.Style, natsbus.Style}
	suite := scenarios.Suite(natsbus.Versions(), styles...)
	suite.Commands = slices.Concat(scenarios.Commands(styles...), []runner.Command{pi.Command()}, external.Commands())
	os.Exit(runner.Main(suite, os.Args[1:]))
}
