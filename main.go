// Command rubato measures what it costs to decouple: one music player wired three
// ways, the same work through each. See README.md, or rubato help.
package main

import (
	"os"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/runner"
	"rubato/scenarios"
)

func main() {
	suite := scenarios.Suite(natsbus.Versions(), direct.Style, orchestrated.Style, natsbus.Style)
	os.Exit(runner.Main(suite, os.Args[1:]))
}
