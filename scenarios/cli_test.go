package scenarios

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

var update = flag.Bool("update", false, "rewrite the transcripts")

// The test binary is also the program that the transcripts are about.
func TestMain(m *testing.M) {
	program := func() {
		all := []player.Style{direct.Style, orchestrated.Style, natsbus.Style}
		suite := Suite(natsbus.Versions(), all...)
		suite.Commands = Commands(all...)
		os.Exit(runner.Main(suite, os.Args[1:]))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] { // what a test starts
		case workload.WorkerCommand, "serve":
			program()
		case natsbus.ServerCommand:
			os.Exit(natsbus.Serve(os.Stdin, os.Stdout))
		}
	}
	testscript.Main(m, map[string]func(){"rubato": program})
}

// TestTranscripts: the commands of the player as a user meets them.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true})
}
