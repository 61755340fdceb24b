package cheats_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"

	"rubato/reports"
)

// into is where what was caught is told; go test works in this folder.
var into = flag.String("into", "", "write what was caught into this file, as docs/cheats.md is")

// told is what the tests have to tell, for the page.
var told struct {
	sync.Mutex

	machine reports.Machine
	cheats  []string // lines of the table
	clean   string
}

// tableHead is that of the cheats.
const tableHead = "| cheat | what the style does | verdict |\n|---|---|---|\n"

// writePage writes the page, if it was asked for and all tests have told their part.
func writePage() error {
	if *into == "" {
		return nil
	}
	if told.cheats == nil || told.clean == "" {
		return fmt.Errorf("%s is not written: it takes both TestCheats and TestClean", *into)
	}
	m := told.machine
	text := fmt.Sprintf("# Cheats that are caught\n\nStyles that do less than was asked, or look it, measured as real ones are. Each must be void, for the right reason and by name; "+
		"no honest style may be. Written by `go test ./scenarios/cheats -clean %d -into ../../docs/cheats.md` on %s, %d cores, %s/%s, %s.\n\n%s%s\n\n%s, without an alarm.\n",
		*clean, m.CPU, m.Cores, m.OS, m.Arch, m.Go, tableHead, strings.Join(told.cheats, "\n"), told.clean)
	return os.WriteFile(*into, []byte(text), 0o644)
}
