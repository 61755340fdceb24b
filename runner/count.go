package runner

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rubato/command"
	"rubato/results"
	"rubato/runner/callgrind"
)

const countHelp = `Usage: %[1]s count [flags] [scenario…]

Counts what an operation executes, in instructions and calls of functions, instead of
timing it. Each style runs under valgrind (callgrind) twice, with N operations and with
2N, garbage collection off: half of the difference is what N operations execute, without
what it takes to start. The work is checked as in a run, without valgrind.

Counts vary by a fixed number of instructions, whatever N is: the range shows it. They need no
controls. They are no times: waiting, the disk, caches and
idleness execute nothing. Calls are of functions that the compiler did not inline.

  -styles A,B      only these styles; the first in the list's order is the baseline
  -set KEY=VALUE   a scenario's setting, as in run
  -n N             operations (default: as many as take 30 ms of CPU without valgrind:
                   1, 2 or 5 times a power of ten)
  -repeat 2        how often everything is counted: the ends of a range are the least
                   and the most
  -seed 1          which work
  -against REV     each style of another revision, too, and the difference by function: a
                   commit, tag, branch, merge-base, or the file of another build
  -out DIR         folder for the results (default out/<time>); report, verify and gate
                   read it
  -json            results.json on stdout instead of the table

Needs valgrind (Debian: apt-get install valgrind).

Examples:
  %[1]s count SCENARIO
  %[1]s count -against HEAD~1 SCENARIO
  %[1]s count -out out/counts SCENARIO && %[1]s gate -budgets ci/counts.yaml out/counts

Exit codes: 0 counted, 2 usage, 4 the work differed, 5 failed or stopped.
`

// countLeast is how long the operations of the baseline take without valgrind, which takes fifty
// times as long.
const countLeast = 30 * time.Millisecond

// countWait bounds a process under valgrind.
const countWait = 15 * time.Minute

// A countAsked is the arguments of rubato count.
type countAsked struct {
	config
	n, repeats int
	asJSON     bool
}

func parseCount(args []string) (countAsked, error) {
	c := countAsked{config: config{effort: defaultEffort, set: settings{}}}
	var styles string
	flags := command.Flags("count")
	flags.StringVar(&c.out, "out", "", "a new folder, such as out/counts")
	flags.StringVar(&styles, "styles", "", "names that list shows, such as A,B")
	flags.Func("set", "KEY=VALUE, such as size=1000", c.addSet)
	flags.Uint64Var(&c.seed, "seed", 1, seedWanted)
	flags.IntVar(&c.n, "n", 0, "a whole number over 0, such as 100")
	flags.IntVar(&c.repeats, "repeat", 2, "a whole number from 1 to 100")
	flags.StringVar(&c.against, "against", "", "a commit, tag, branch, "+mergeBase+" or the file of another build")
	flags.BoolVar(&c.asJSON, "json", false, "")
	names, err := parseAnywhere(flags, args)
	if err != nil {
		return countAsked{}, err
	}
	flags.Visit(func(f *flag.Flag) {
		bad := f.Name == "n" && (c.n < 1 || c.n > maxBlockOps) || f.Name == "repeat" && (c.repeats < 1 || c.repeats > 100)
		if bad || f.Value.String() == "" && f.Name != "set" {
			err = usage(command.Wrong(flags, f.Name))
		}
	})
	if err == nil && styles != "" {
		c.styles, err = splitValues("-styles", styles)
	}
	c.scenarios = names
	return c, err
}

// count counts and renders.
func (p program) count(ctx context.Context, args []string) int {
	ask, err := parseCount(args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "count")
		return exitPass
	}
	if err = cmp.Or(err, p.cannot); err != nil {
		return p.fail(err)
	}
	plan, err := newPlan(p.suite, ask.config)
	if err == nil {
		err = checkOut(ask.out)
	}
	if err != nil {
		return p.fail(err)
	}
	var refused []string
	if plan.comparisons, refused, err = plan.countable(ask.scenarios); err != nil {
		return p.fail(err)
	}
	for _, why := range refused {
		fmt.Fprintf(p.stderr, "not counted: %s\n", why)
	}
	version, err := callgrind.Version()
	if err != nil {
		return p.fail(usageError{err})
	}
	p.suite.Versions = maps.Clone(p.suite.Versions)
	if p.suite.Versions == nil {
		p.suite.Versions = map[string]string{}
	}
	p.suite.Versions["valgrind"] = version
	if ask.against != "" {
		if err := p.beside(ctx, ask.against, &plan); err != nil {
			return p.fail(err)
		}
	}
	return p.countAll(ctx, ask, plan, append([]string{p.name, "count"}, args...))
}

// countAll counts a plan.
func (p program) countAll(ctx context.Context, ask countAsked, plan plan, command []string) int {
	m, err := p.begin(ask.config, plan, command)
	if err != nil {
		return p.fail(err)
	}
	defer p.clear()
	m.folder.dup = false // out/latest is of a run with times
	m.result.Counted, m.result.Fresh, m.result.Published, m.result.Machine.Warnings = true, false, nil, nil
	err = m.counts(ctx, ask, plan)
	p.end(m)
	m.result.Machine.Warnings = nil // nothing disturbs a count
	stdout := p.stdout
	if ask.asJSON {
		p.stdout = io.Discard
	}
	code := p.finish(m, err)
	if summary, err := os.ReadFile(filepath.Join(m.folder.path, summaryName)); ask.asJSON && err == nil {
		_, _ = stdout.Write(summary) // which remembers its failure
	}
	return code
}

// counts counts one comparison after the other.
func (m *measurement) counts(ctx context.Context, ask countAsked, plan plan) error {
	header := *m.result
	header.Cells, header.Changes = nil, nil // none is known yet
	if err := m.record.add(results.Line{Run: &header}); err != nil {
		return err
	}
	cells, programs := cellsByKey(m.result), map[*build]string{}
	for i, planned := range plan.comparisons {
		c := &counting{comparison: newComparison(m, i, planned, cells), ask: ask, programs: programs}
		for _, a := range c.comparison.arms {
			c.arms = append(c.arms, countedArm{arm: a})
		}
		if err := c.count(ctx); err != nil {
			return err
		}
		m.progress.step()
	}
	return nil
}

// uncountable says why a scenario cannot be counted; "" if it can.
func (s Scenario) uncountable(options Options) string {
	switch {
	case s.Paced:
		return "a clock sets its pace, and who waits executes nothing"
	case s.apart():
		return "its pieces do not do the same work, so there is no number of operations for all of them"
	case s.pause(options) > 0:
		return "its styles wait before each operation, and who waits executes nothing"
	}
	return ""
}

// countable are the comparisons that can be counted. It is an error if one of those that were asked
// for by name cannot.
func (p plan) countable(named []string) ([]comparisonPlan, []string, error) {
	var kept []comparisonPlan
	var refused []string
	for _, c := range p.comparisons {
		why := c.scenario.uncountable(c.options)
		if why == "" {
			kept = append(kept, c)
			continue
		}
		if slices.Contains(named, c.scenario.Name) {
			return nil, nil, usagef("scenario %s cannot be counted: %s", c.scenario.Name, why)
		}
		refused = append(refused, c.scenario.Name+": "+why)
	}
	if len(kept) == 0 {
		return nil, nil, usagef("there is no scenario to count: %s", refused)
	}
	return kept, slices.Compact(refused), nil
}
