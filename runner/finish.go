package runner

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"rubato/reports"
)

// finish computes and renders what was measured, also of a run that failed, which
// it marks incomplete.
func (p program) finish(m *measurement, failure error) int {
	run := m.result
	if failure != nil {
		run.Incomplete = failure.Error()
		run.Cells = slices.DeleteFunc(run.Cells, func(c reports.Cell) bool { return !m.touched(c) })
	}
	reports.Summarize(run, m.record.details)
	failure = errors.Join(failure, m.record.finish(run))
	if run.Incomplete == "" && failure != nil {
		run.Incomplete = failure.Error()
	}
	if err := reports.Write(m.folder.path, run, m.record.details); err != nil {
		failure = errors.Join(failure, fmt.Errorf("rendering: %w", err))
	}
	failure = errors.Join(failure, m.folder.pointLatest())
	p.conclude(run, m.folder.show)
	if failure != nil {
		return p.fail(fmt.Errorf("the run is incomplete: %w", failure))
	}
	return exitCode(run)
}

// touched tells whether a run that ended early got as far as this cell.
func (m *measurement) touched(c reports.Cell) bool {
	key := c.Key()
	return c.Verdict == reports.Void ||
		slices.ContainsFunc(m.record.details.Blocks, func(b reports.Block) bool { return b.Cell == key })
}

// conclude prints the table and where the rest is.
func (p program) conclude(run *reports.Run, folder string) {
	if len(run.Cells) > 0 {
		fmt.Fprintln(p.stdout, cellTable(run))
		fmt.Fprint(p.stdout, measureTables(run))
	}
	fmt.Fprintf(p.stdout, "%s/report.html\n", folder)
}

// exitCode is that of a run that came to its end.
func exitCode(run *reports.Run) int {
	code := exitPass
	for _, c := range run.Cells {
		switch c.Verdict {
		case reports.Void:
			return exitInvalid
		case reports.Inconclusive:
			code = exitInconclusive
		}
	}
	return code
}

// report renders a folder again.
func (p program) report(args []string) int {
	flags := newFlags("report")
	into := flags.String("into", "", "")
	names, err := parseAnywhere(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "report")
		return exitPass
	}
	if err != nil {
		return p.fail(err)
	}
	if len(names) != 1 {
		return p.fail(usagef("report takes one folder, as in: %s report out/latest", p.name))
	}
	run, details, err := reports.Load(names[0])
	if err != nil {
		return p.fail(usageError{err.Error()})
	}
	reports.Summarize(run, details)
	if err := reports.Write(names[0], run, details); err != nil {
		return p.fail(err)
	}
	p.conclude(run, names[0])
	if *into != "" {
		if err := reports.Embed(*into, run); err != nil {
			return p.fail(err)
		}
	}
	if run.Incomplete != "" {
		return p.fail(fmt.Errorf("the run is incomplete: %s", run.Incomplete))
	}
	return exitCode(run)
}
