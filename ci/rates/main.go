// Rates measures how often a gate is wrong: on unchanged code, and on changes for the worse
// that it has to find and name (ci/testdata/regressions). It is not part of rubato: it builds
// the last commit with each change and runs rubato as a pull request would, against the commit
// itself. regressions.go builds, gates.go measures, main.go plans and prints the table.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/ci"
	"rubato/command"
)

const usage = `Usage: go run ./ci/rates [flags]    (make rates N=3)

Measures the error rates of rubato gate on this machine, which should be idle: gates on
unchanged code, and on each change of ci/testdata/regressions, built in a worktree of the
last commit and measured against that commit. Each gate is one line of the log. An
interrupted night goes on where it stopped: gates of this commit, -time and -against in the
log count.

  -n N           gates of each change and load (default 3)
  -only A,B      these changes; unchanged is one of them (default: all)
  -loads A,B     quiet, hogs (two other processes are busy), counted (rubato count instead of
                 rubato run) (default: those that each change names)
  -time D        how long a comparison may take, at most (default 60s)
  -against REV   as of rubato run (default HEAD, without the change)
  -budgets FILE  (default ci/rates/budgets.yaml)
  -log FILE      one line of JSON for each gate (default out/rates.jsonl)
  -table         measure nothing, print the table of the log

Exit code: 0 every rate reaches its goal, 1 some does not, 2 bad input, 5 it could not be measured.
`

// A plan says what to measure.
type plan struct {
	root, work, commit    string
	against, budgets, log string
	time                  time.Duration
	n                     int
	cases                 []regression
	loads                 []string // instead of those of the cases; empty: those
	table                 bool
}

func main() {
	if slices.Contains(os.Args[1:], hogFlag) {
		hog()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "rates: %v\n", err)
	}
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	p, err := newPlan(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, usage)
		return ci.ExitWithin, err
	}
	if err != nil {
		return ci.ExitUsage, err
	}
	gates, err := p.read()
	if err != nil {
		return ci.ExitUsage, err
	}
	if !p.table {
		if gates, err = p.measureAll(ctx, gates, stderr); err != nil {
			err = fmt.Errorf("%w\n%s keeps %d gates; the same command goes on", err, p.log, len(gates))
		}
	}
	rows, reached := p.tally(gates)
	fmt.Fprint(stdout, table(rows))
	switch {
	case err != nil:
		return ci.ExitIncomplete, err
	case !reached:
		return ci.ExitOver, nil
	}
	return ci.ExitWithin, nil
}

func newPlan(args []string) (p plan, err error) {
	var only, under string
	flags := command.Flags("rates")
	flags.IntVar(&p.n, "n", 3, "a number over 0")
	flags.StringVar(&only, "only", "", "names of changes, such as unchanged,bus-5")
	flags.StringVar(&under, "loads", "", "quiet, hogs or quiet,hogs")
	flags.DurationVar(&p.time, "time", time.Minute, "a time, such as 60s")
	flags.StringVar(&p.against, "against", "HEAD", "a revision or a program")
	flags.StringVar(&p.budgets, "budgets", "ci/rates/budgets.yaml", "a file of budgets")
	flags.StringVar(&p.log, "log", "out/rates.jsonl", "a file")
	flags.BoolVar(&p.table, "table", false, "")
	names, err := command.Parse(flags, args)
	switch {
	case err != nil:
		return p, err
	case len(names) > 0:
		return p, fmt.Errorf("%s: there are only flags; see -h", names[0])
	case p.n < 1:
		return p, command.Wrong(flags, "n")
	case p.time <= 0:
		return p, command.Wrong(flags, "time")
	}
	if p.root, err = git("rev-parse", "--show-toplevel"); err != nil {
		return p, err
	}
	if p.commit, err = git("rev-parse", "HEAD"); err != nil {
		return p, err
	}
	if p.budgets, err = filepath.Abs(p.budgets); err != nil {
		return p, err
	}
	if _, missing := os.Stat(p.against); missing == nil { // a program: the gates run in other folders
		if p.against, err = filepath.Abs(p.against); err != nil {
			return p, err
		}
	}
	all, err := readRegressions(filepath.Join(p.root, "ci/testdata/regressions"))
	if err != nil {
		return p, err
	}
	all = append(nothing, all...)
	p.loads = list(under)
	for _, load := range p.loads {
		if !slices.Contains(loads, load) {
			return p, command.Unknown("load", load, loads)
		}
	}
	p.cases, err = chosen(all, list(only))
	return p, err
}

// nothing is the unchanged code. A failure is a gate that says "over"; the goals are that there
// is at most one of 100, and that at most five say nothing.
var nothing = []regression{{Name: unchanged, What: "unchanged code", Scenario: "queue-low", Loads: []string{quiet, hogs}, Styles: nil}}

const (
	falseAlarms = 0.01
	undecided   = 0.05
)

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func chosen(all []regression, names []string) (some []regression, err error) {
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(r regression) bool { return r.Name == name })
		if i < 0 {
			var valid []string
			for _, r := range all {
				valid = append(valid, r.Name)
			}
			return nil, command.Unknown("change", name, valid)
		}
		some = append(some, all[i])
	}
	return some, nil
}

func git(args ...string) (string, error) {
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w; run it in the checkout", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// read reads the log. Gates of other commits, times and revisions do not count.
func (p plan) read() (gates []gate, err error) {
	data, err := os.ReadFile(p.log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.parseLog(data)
}

// parseLog reads the lines of a log, and takes those that were measured as this plan would. The last
// may be cut off.
func (p plan) parseLog(data []byte) (gates []gate, err error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	for i, line := range lines {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var g gate
		if err := json.Unmarshal(line, &g); err != nil {
			if i == len(lines)-1 {
				break
			}
			return nil, fmt.Errorf("line %d of the log: %w", i+1, err)
		}
		if g.Commit == p.commit && g.Against == p.against && g.Time == p.time && !g.failed() {
			gates = append(gates, g)
		}
	}
	return gates, nil
}

// measureAll measures what the log lacks, each case once before any is repeated.
func (p plan) measureAll(ctx context.Context, gates []gate, stderr io.Writer) (_ []gate, err error) {
	if p.work, err = os.MkdirTemp("", "rubato-rates-"); err != nil {
		return gates, err
	}
	trees := map[string]tree{}
	defer func() {
		for _, t := range trees {
			err = errors.Join(err, t.fell(p.root))
		}
		err = errors.Join(err, os.RemoveAll(p.work))
	}()
	if err := os.MkdirAll(filepath.Dir(p.log), 0o755); err != nil {
		return gates, err
	}
	log, err := appendTo(p.log)
	if err != nil {
		return gates, err
	}
	defer log.Close()
	start := time.Now()
	for repetition := range p.n {
		for _, r := range p.cases {
			for _, load := range p.loadsOf(r) {
				if done(gates, r, load) > repetition {
					continue
				}
				t, built := trees[r.Name]
				if !built {
					fmt.Fprintf(stderr, "%s: building\n", r.Name)
					t = tree{filepath.Join(p.work, r.Name)}
					trees[r.Name] = t
					if err := t.grow(ctx, p.root, r); err != nil {
						return gates, err
					}
				}
				g, err := p.measure(ctx, t, r, load)
				if err != nil {
					return gates, err
				}
				if err := json.NewEncoder(log).Encode(g); err != nil {
					return gates, err
				}
				fmt.Fprintf(stderr, "%s, %s, %d of %d: %s\n", r.Name, load, repetition+1, p.n, g.outcome())
				if g.failed() {
					return gates, fmt.Errorf("%s: exit code %d: %s", r.Name, g.Exit, g.Why)
				}
				gates = append(gates, g)
			}
		}
	}
	fmt.Fprintf(stderr, "took %s\n", time.Since(start).Round(time.Second))
	return gates, nil
}

// appendTo opens a log. A line that was cut off would spoil the next one, and goes.
func appendTo(path string) (*os.File, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		if err := os.Truncate(path, int64(whole)); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
}

func (p plan) loadsOf(r regression) []string {
	if len(p.loads) > 0 {
		return p.loads
	}
	return r.Loads
}

func done(gates []gate, r regression, load string) (n int) {
	for _, g := range gates {
		if g.Case == r.Name && g.Load == load {
			n++
		}
	}
	return n
}
