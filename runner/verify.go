package runner

import (
	"errors"
	"flag"
	"fmt"

	"rubato/command"
	"rubato/reports"
	"rubato/results"
)

const verifyHelp = `Usage: %[1]s verify DIR

Computes and renders the results in DIR again from its raw blocks, elsewhere, and says
which files of DIR differ, are missing, or are not of this run. Nothing in DIR is written.
The same version of the program writes the same bytes on the same architecture; on another
one the last digit of a figure may differ.

Exit codes: 0 all files are as the raw blocks say, 1 some are not, 2 usage, 5 failed.

Example:
  %[1]s verify out/latest
`

// verify is the command verify.
func (p program) verify(args []string) int {
	names, err := parseAnywhere(command.Flags("verify"), args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.printHelp(p.stdout, "verify")
		return exitPass
	case err != nil:
		return p.fail(err)
	case len(names) != 1:
		return p.fail(usagef("verify takes one folder, as in: %s verify out/latest", p.name))
	}
	run, details, err := results.Load(names[0])
	if err != nil {
		return p.fail(usageError{err})
	}
	reports.Summarize(run, details)
	wrong, err := reports.Verify(names[0], run, details)
	if err != nil {
		return p.fail(err)
	}
	for _, w := range wrong {
		fmt.Fprintln(p.stdout, w)
	}
	if run.Incomplete != "" {
		fmt.Fprintf(p.stdout, "incomplete: %s\n", run.Incomplete)
	}
	if len(wrong) > 0 {
		return exitOver
	}
	fmt.Fprintln(p.stdout, "every file is what the raw blocks say")
	return exitPass
}
