// Command rubato measures what it costs to decouple: one music player wired three
// ways, the same work through each. See README.md, or rubato help.
package main

import (
	"io"
	"log"
	"os"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == natsbus.ServerCommand {
		os.Exit(natsbus.Serve(os.Stdin, os.Stdout))
	}
	log.SetOutput(io.Discard) // only libraries write there; what this program has to say goes to stdout and stderr
	styles := []player.Style{direct.Style, orchestrated.Style, natsbus.Style}
	suite := scenarios.Suite(natsbus.Versions(), styles...)
	suite.Commands = scenarios.Commands(styles...)
	os.Exit(runner.Main(suite, os.Args[1:]))
}
