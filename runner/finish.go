package runner

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"rubato/inference"
	"rubato/reports"
)

// finish computes and renders what was measured, also of a run that failed, which
// it marks incomplete.
func (p program) finish(m *measurement, failure error) int {
	run := m.result
	if failure != nil {
		run.Incomplete = failure.Error()
		run.Cells = slices.DeleteFunc(run.Cells, func(c reports.Cell) bool { return !m.touched(c) })
		run.Proofs = slices.DeleteFunc(run.Proofs, func(p reports.Proof) bool { return !m.touched(p.Twin) })
		run.Ledger = slices.DeleteFunc(run.Ledger, func(o reports.Observed) bool { return !m.touched(o.Arm) })
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
		fmt.Fprint(p.stdout, measureTables(run), verdictTable(run), proofTable(run), ledgerTable(run))
	}
	fmt.Fprintf(p.stdout, "%s/report.html\n", folder)
}

// exitCode is that of a run that came to its end. A run that decides also answers
// for its budgets.
func exitCode(run *reports.Run) int {
	seen := map[string]bool{}
	for _, c := range run.Cells {
		seen[c.Verdict] = true
		for _, j := range c.Judged {
			seen["over budget"] = seen["over budget"] || run.Rule != nil && j.Limit > 0 && j.Verdict == string(inference.Over)
			seen[reports.Inconclusive] = seen[reports.Inconclusive] || run.Rule != nil && j.Verdict == string(inference.Inconclusive)
		}
	}
	blind := slices.ContainsFunc(run.Proofs, func(p reports.Proof) bool { return p.Blind != "" })
	switch {
	case seen[reports.Void] || blind:
		return exitInvalid
	case seen["over budget"]:
		return exitOver
	case seen[reports.Inconclusive]:
		return exitInconclusive
	}
	return exitPass
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
