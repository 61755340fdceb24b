package cheats_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"

	"rubato/results"
)

// into is relative to this folder, where go test runs.
var into = flag.String("into", "", "write the results to this page, as in docs/cheats.md")

// page collects the results of the tests.
var page struct {
	sync.Mutex

	machine results.Machine
	cheats  []string // lines of the table
	clean   string
}

// tableHead is the head of the table of cheats.
const tableHead = "| cheat | what the style does | verdict |\n|---|---|---|\n"

// writePage writes the page if -into asks for it. It needs the results of both tests.
func writePage() error {
	if *into == "" {
		return nil
	}
	if page.cheats == nil || page.clean == "" {
		return fmt.Errorf("%s is not written: run both TestCheats and TestClean", *into)
	}
	m := page.machine
	text := fmt.Sprintf("# Cheats that are caught\n\nEach of these styles does less than was asked, or reports more than it did. They are measured like real styles. "+
		"Each must be invalid, by name and for the right reason; no honest style may be. Written by `go test ./scenarios/cheats -clean %d -into ../../docs/cheats.md` on %s, %d cores, %s/%s, %s.\n\n%s%s\n\n%s, without an alarm.\n",
		*clean, m.CPU, m.Cores, m.OS, m.Arch, m.Go, tableHead, strings.Join(page.cheats, "\n"), page.clean)
	return os.WriteFile(*into, []byte(text), 0o644)
}
