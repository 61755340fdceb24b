package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/ci"
)

// A gate is one run with the gate's answer to it: a line of the log.
type gate struct {
	Case    string        `json:"case"`
	Load    string        `json:"load"`
	Commit  string        `json:"commit"`
	Against string        `json:"against"`
	Time    time.Duration `json:"time"` // for a comparison, at most
	At      time.Time     `json:"at"`
	Seconds float64       `json:"seconds"`
	Run     int           `json:"run"`  // exit code of rubato run
	Exit    int           `json:"exit"` // exit code of rubato gate
	Verdict string        `json:"verdict"`
	Over    []string      `json:"over,omitempty"` // what was over its limit, one line each
	Caught  bool          `json:"caught"`         // the exit code says so, and each style with its quantity
	Part    bool          `json:"part"`           // it names the part of the operation, too
	Blamed  []string      `json:"blamed,omitempty"`
	Busy    float64       `json:"busy,omitempty"` // what the hogs used, in cores
	Why     string        `json:"why,omitempty"`  // of an answer other than within and over
}

// failed says that the gate could not be had; it does not count.
func (g gate) failed() bool { return g.Exit == ci.ExitUsage || g.Exit == ci.ExitIncomplete }

// measure runs and judges a case once.
func (p plan) measure(ctx context.Context, t tree, r regression, load string) (gate, error) {
	g := gate{Case: r.Name, Load: load, Commit: p.commit, Against: p.against, Time: p.time, At: time.Now().UTC()}
	out, err := os.MkdirTemp(p.work, "run-")
	if err != nil {
		return g, err
	}
	defer os.RemoveAll(out)
	budgets, err := p.budgetsFor(r, out)
	if err != nil {
		return g, err
	}
	stop := func() float64 { return 0 }
	if load == hogs {
		if stop, err = startHogs(); err != nil {
			return g, err
		}
	}
	results := filepath.Join(out, "run")
	var said string
	g.Run, said, err = program(ctx, t, p.arguments(r, load, budgets, results)...)
	g.Busy = stop()
	if err != nil {
		return g, err
	}
	var answer string
	if g.Exit, answer, err = program(ctx, t, "gate", "-json", "-machine", load, "-budgets", budgets, results); err != nil {
		return g, err
	}
	g.Seconds = time.Since(g.At).Seconds()
	if g.failed() {
		g.Why = lastLine(said) + "; " + lastLine(answer)
		return g, nil
	}
	var a answered
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		return g, fmt.Errorf("rubato gate -json: %w: %.200s", err, answer)
	}
	g.read(a, r)
	return g, nil
}

// answered is what gate -json prints: beside the answer, where differences go.
type answered struct {
	ci.Answer
	Moves []move `json:"moves"`
}

// A move is by how much an arm differs from the other revision. Its first stage is the largest.
type move struct {
	Arm     string  `json:"arm"`
	Changed bool    `json:"changed"` // since the other revision
	Stages  []stage `json:"stages"`
}

type stage struct {
	Name string `json:"name"`
}

// budgetsFor writes the budgets with the scenario of the regression.
func (p plan) budgetsFor(r regression, dir string) (path string, err error) {
	text, err := os.ReadFile(p.budgets)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, filepath.Base(p.budgets))
	return path, os.WriteFile(path, bytes.ReplaceAll(text, []byte("SCENARIO"), []byte(r.Scenario)), 0o644)
}

// arguments are those of rubato run, or of rubato count.
func (p plan) arguments(r regression, load, budgets, out string) []string {
	args := []string{"run", "-against", p.against, "-out", out, "-controls", "-decide", "-time", p.time.String(), "-machine", load, "-budgets", budgets}
	if load == counted {
		args = []string{"count", "-against", p.against, "-out", out}
	}
	for _, option := range r.Set {
		args = append(args, "-set", option)
	}
	if styles := compared(r.Styles); len(styles) > 0 {
		args = append(args, "-styles", strings.Join(styles, ","))
	}
	return append(args, r.Scenario)
}

// compared are the styles of a run: the baseline, and those that become worse.
func compared(worse []string) []string {
	if slices.Contains(worse, baseline) {
		return worse
	}
	return append([]string{baseline}, worse...)
}

const baseline = "direct"

// read takes from the answer what the gate found.
func (g *gate) read(a answered, r regression) {
	g.Verdict = a.Verdict
	found := map[string]bool{}
	for _, row := range a.Rows {
		if row.Verdict != ci.Over {
			continue
		}
		style := styleOf(row.Cell)
		g.Over = append(g.Over, fmt.Sprintf("%s: %s %s", row.Budget, row.Cell, row.Quantity))
		if !slices.Contains(r.Styles, style) {
			g.Blamed = append(g.Blamed, style)
		} else if slices.Contains(r.Quantities, strings.TrimPrefix(row.Quantity, "change.")) {
			found[style] = true
		}
	}
	g.Caught = g.Exit == ci.ExitOver && len(r.Styles) > 0 && len(found) == len(r.Styles)
	if g.Exit != ci.ExitWithin && g.Exit != ci.ExitOver {
		g.Why = why(a.Answer)
	}
	named := 0
	for _, m := range a.Moves {
		if m.Changed && slices.Contains(r.Styles, styleOf(m.Arm)) && len(m.Stages) > 0 && m.Stages[0].Name == r.Part {
			named++
		}
	}
	g.Part = g.Caught && named >= len(r.Styles)
}

// styleOf is the second word of a cell's name, after its scenario.
func styleOf(cell string) string {
	if words := strings.Fields(cell); len(words) > 1 {
		return words[1]
	}
	return ""
}

// why is the first reason that the answer gives.
func why(a ci.Answer) string {
	for _, reason := range a.Insensitive {
		return reason
	}
	for _, row := range a.Rows {
		if row.Verdict == a.Verdict && row.Why != "" {
			return row.Cell + " " + row.Quantity + ": " + row.Why
		}
	}
	return a.Incomplete
}

// program runs the tree's rubato and returns its exit code and what it printed on stdout, or
// on stderr if there is nothing.
func program(ctx context.Context, t tree, args ...string) (code int, said string, err error) {
	command := exec.CommandContext(ctx, filepath.Join(t.dir, "bin", "rubato"), args...)
	command.Dir = t.dir
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute // it writes its results first
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	said = stdout.String()
	if strings.TrimSpace(said) == "" {
		said = stderr.String()
	}
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) && ctx.Err() == nil && ended.Exited() {
		return ended.ExitCode(), said, nil
	}
	return 0, said, errors.Join(err, ctx.Err())
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// startHogs starts two processes that are busy all the time, until stop, which returns how
// many cores they had. They end by themselves if this process dies: then their input ends.
func startHogs() (stop func() float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var all []*exec.Cmd
	var ends []io.Closer
	start := time.Now()
	stop = func() (cores float64) {
		for i, hog := range all {
			ends[i].Close()
			_ = hog.Wait() // it ends without an error, or did not run
			cores += (hog.ProcessState.UserTime() + hog.ProcessState.SystemTime()).Seconds() / time.Since(start).Seconds()
		}
		return cores
	}
	for range 2 {
		hog := exec.Command(self, hogFlag)
		end, err := hog.StdinPipe()
		if err == nil {
			err = hog.Start()
		}
		if err != nil {
			stop()
			return nil, fmt.Errorf("starting a hog: %w", err)
		}
		all, ends = append(all, hog), append(ends, end)
	}
	return stop, nil
}

// hogFlag makes this program a hog.
const hogFlag = "-hog"

// hog is busy until its input ends.
func hog() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for x := uint64(1); ; x ^= x << 13 {
		x ^= x >> 7
	}
}

// outcome is the answer in a few words, for progress.
func (g gate) outcome() string {
	text := fmt.Sprintf("exit %d, %s, %.0f s", g.Exit, g.Verdict, g.Seconds)
	if len(g.Over) > 0 {
		text += ": " + strings.Join(g.Over, "; ")
	}
	if g.Why != "" {
		text += ": " + g.Why
	}
	return text
}
