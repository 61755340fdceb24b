package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/ci"
)

// A fake is a checkout whose program answers from a file: "slow" is a regression that makes the
// bus slower; the unchanged code is within.
const (
	fakeMakefile = "build:\n\tmkdir -p bin && cp program bin/rubato\n"
	fakeProgram  = `#!/bin/sh
echo "$@" >>"$LOG_OF_CALLS"
case "$1:$(cat state)" in
run:*) exit 0 ;;
gate:*) grep -q 'scenario: queue-low' "$6" || exit 2 ;;
esac
case "$1:$(cat state)" in
gate:fast) echo '{"verdict":"within","exit":0,"rows":[]}' ;;
gate:slow) echo '{"verdict":"over","exit":1,"rows":[{"budget":"b","cell":"queue-low bus passages=1000","quantity":"ratio","verdict":"over"}],"moves":[{"arm":"queue-low bus passages=1000","changed":true,"stages":[{"name":"rules and trace"},{"name":"codec"}]}]}' ; exit 1 ;;
esac
`
	fakePatch = `What: the bus is slower
Scenario: queue-low
Styles: bus
Quantities: ratio
Part: rules and trace
Loads: quiet
Goal: 1

diff --git a/state b/state
--- a/state
+++ b/state
@@ -1 +1 @@
-fast
+slow
`
)

// fakeCheckout is the working folder of the test from now on.
func fakeCheckout(t *testing.T) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	log := filepath.Join(t.TempDir(), "calls")
	t.Setenv("LOG_OF_CALLS", log)
	for _, folder := range []string{"ci/testdata/regressions", "ci/rates"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"Makefile": fakeMakefile, "program": fakeProgram, "state": "fast\n", "ci/rates/budgets.yaml": "scenario: SCENARIO\n", "ci/testdata/regressions/slow.patch": fakePatch} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@t.invalid", "commit", "-qm", "x"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return func() string {
		data, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

// cutOff leaves the first half of a line at the end of a log.
func cutOff(t *testing.T, path string) {
	t.Helper()
	log, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = log.WriteString(`{"case":"sl`)
		err = errors.Join(err, log.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestGoesOn: a second call measures only what the log lacks, and leaves no worktree.
func TestGoesOn(t *testing.T) {
	calls := fakeCheckout(t)
	for _, c := range []struct {
		args  []string
		code  int
		runs  int // of rubato, in all
		shows []string
	}{
		{[]string{"-n", "2", "-loads", "quiet"}, ci.ExitWithin, 4, []string{"| the bus is slower | quiet | 100.0 % [15.8, 100.0] (2 of 2) | 100.0 % [15.8, 100.0] (2 of 2) |  | 2 × 1 |",
			"| unchanged code | quiet | false alarms: 0.0 % [0.0, 84.2] (0 of 2) | undecided: 0.0 %"}},
		{[]string{"-n", "3", "-loads", "quiet", "-only", "slow"}, ci.ExitWithin, 5, []string{"(3 of 3)"}},
		{[]string{"-n", "4", "-loads", "quiet", "-only", "slow"}, ci.ExitWithin, 6, []string{"(4 of 4)"}}, // after a line that was cut off
		{[]string{"-table", "-loads", "quiet"}, ci.ExitWithin, 6, []string{"(4 of 4)", "(0 of 2)"}},
		{[]string{"-table"}, ci.ExitOver, 6, []string{"(4 of 4)", "(0 of 2)"}}, // beside hogs nothing was measured
		{[]string{"-table", "-time", "1s"}, ci.ExitOver, 6, nil},
	} {
		var stdout, stderr bytes.Buffer
		code, err := run(t.Context(), c.args, &stdout, &stderr)
		if code != c.code || err != nil {
			t.Fatalf("%v: exit %d, want %d, %v\n%s", c.args, code, c.code, err, &stderr)
		}
		if c.runs == 5 {
			cutOff(t, filepath.Join("out", "rates.jsonl"))
		}
		if n := strings.Count(calls(), "run -against HEAD -out "); n != c.runs {
			t.Errorf("%v: %d runs, want %d", c.args, n, c.runs)
		}
		for _, want := range c.shows {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%v: want %q in\n%s", c.args, want, &stdout)
			}
		}
	}
	if trees, err := git("worktree", "list"); err != nil || strings.Contains(trees, "\n") {
		t.Errorf("worktrees are left: %s, %v", trees, err)
	}
	if !strings.Contains(calls(), "-styles direct,bus queue-low") {
		t.Errorf("the calls were\n%s", calls())
	}
}

// TestMissed: a regression that the gate does not see fails the goal.
func TestMissed(t *testing.T) {
	fakeCheckout(t)
	if err := os.WriteFile("ci/testdata/regressions/slow.patch", []byte(strings.Replace(fakePatch, "Quantities: ratio", "Quantities: allocs_op", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code, err := run(t.Context(), []string{"-n", "1", "-only", "slow"}, &stdout, &stderr)
	if code != ci.ExitOver || err != nil || !strings.Contains(stdout.String(), "0.0 % [0.0, 97.5] (0 of 1)") || !strings.Contains(stdout.String(), "**not reached**") {
		t.Errorf("exit %d, %v\n%s%s", code, err, &stdout, &stderr)
	}
}

// TestInterrupted: what was measured is kept, and the command says so.
func TestInterrupted(t *testing.T) {
	fakeCheckout(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var stdout, stderr bytes.Buffer
	code, err := run(ctx, []string{"-n", "1"}, &stdout, &stderr)
	if code != ci.ExitIncomplete || err == nil || !strings.Contains(err.Error(), "the same command goes on") {
		t.Errorf("exit %d, %v", code, err)
	}
}

func TestBadFlags(t *testing.T) {
	fakeCheckout(t)
	for args, shows := range map[string]string{
		"-n 0":          "-n 0: want a number over 0",
		"-time 0s":      "-time 0s: want a time",
		"-loads asleep": `unknown load "asleep"`,
		"-only slwo":    `unknown change "slwo": did you mean "slow"?`,
		"slow":          "there are only flags",
	} {
		var stdout, stderr bytes.Buffer
		if code, err := run(t.Context(), strings.Fields(args), &stdout, &stderr); code != ci.ExitUsage || err == nil || !strings.Contains(err.Error(), shows) {
			t.Errorf("%s: exit %d, %v, want %q", args, code, err, shows)
		}
	}
}

// TestRead: a gate that finds a regression names each style with the quantity.
func TestRead(t *testing.T) {
	t.Parallel()
	shared := regression{Styles: []string{"direct", "bus"}, Quantities: []string{"ratio", "cpu_ratio"}}
	over := func(cell, quantity string) ci.Row { return ci.Row{Cell: cell, Quantity: quantity, Verdict: ci.Over} }
	for name, c := range map[string]struct {
		exit   int
		rows   []ci.Row
		caught bool
		blamed []string
	}{
		"all":             {ci.ExitOver, []ci.Row{over("queue-low direct", "cpu_ratio"), over("queue-low bus passages=1000", "change.ratio")}, true, nil},
		"one style":       {ci.ExitOver, []ci.Row{over("queue-low bus", "ratio")}, false, nil},
		"other quantity":  {ci.ExitOver, []ci.Row{over("queue-low direct", "allocs_op"), over("queue-low bus", "ratio")}, false, nil},
		"another, too":    {ci.ExitOver, []ci.Row{over("queue-low direct", "ratio"), over("queue-low bus", "ratio"), over("queue-low nats", "ratio")}, true, []string{"nats"}},
		"not by the code": {ci.ExitInvalid, []ci.Row{over("queue-low direct", "ratio"), over("queue-low bus", "ratio")}, false, nil},
		"within":          {ci.ExitWithin, nil, false, nil},
	} {
		g := gate{Exit: c.exit}
		g.read(answered{Answer: ci.Answer{Exit: c.exit, Rows: c.rows}}, shared)
		if g.Caught != c.caught || !slices.Equal(g.Blamed, c.blamed) {
			t.Errorf("%s: caught %v, blamed %v", name, g.Caught, g.Blamed)
		}
	}
}

// TestPart: the part counts if it is the largest of each style's own change.
func TestPart(t *testing.T) {
	t.Parallel()
	r := regression{Styles: []string{"bus"}, Quantities: []string{"ratio"}, Part: "rules and trace"}
	a := answered{Answer: ci.Answer{Exit: ci.ExitOver, Rows: []ci.Row{{Cell: "queue-low bus", Quantity: "ratio", Verdict: ci.Over}}}}
	for name, c := range map[string]struct {
		move move
		want bool
	}{
		"named":       {move{"queue-low bus", true, []stage{{"rules and trace"}, {"codec"}}}, true},
		"another":     {move{"queue-low bus", true, []stage{{"codec"}, {"rules and trace"}}}, false},
		"of a style":  {move{"queue-low direct", true, []stage{{"rules and trace"}}}, false},
		"no change":   {move{"queue-low bus", false, []stage{{"rules and trace"}}}, false},
		"no profiles": {move{"queue-low bus", true, nil}, false},
	} {
		var g gate
		a.Moves = []move{c.move}
		g.Exit = ci.ExitOver
		if g.read(a, r); g.Part != c.want || !g.Caught {
			t.Errorf("%s: part %v, caught %v", name, g.Part, g.Caught)
		}
	}
}

func TestParseLog(t *testing.T) {
	t.Parallel()
	line := func(commit string, exit int) string {
		return fmt.Sprintf(`{"case":"slow","commit":%q,"exit":%d}`+"\n", commit, exit)
	}
	gates, err := plan{commit: "a"}.parseLog([]byte(line("a", 1) + line("b", 1) + line("a", 2) + line("a", 5) + "\n" + line("a", 0) + `{"case":"slow","commit":"a","time":1}` + "\n" + `{"case":"slow","commit":"a","against":"b"}` + "\n" + `{"case":"sl`))
	if err != nil || len(gates) != 2 || gates[0].Exit != 1 || gates[1].Exit != 0 {
		t.Errorf("%+v, %v", gates, err)
	}
	if _, err := (plan{commit: "a"}).parseLog([]byte("{\n" + line("a", 1))); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("%v", err)
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte(`{"case":"slow","commit":"a","exit":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := plan{commit: "a", cases: []regression{{Name: "slow", Goal: 1, Loads: []string{quiet}}}}
		gates, err := p.parseLog(data)
		if err != nil {
			return
		}
		p.tally(gates)
	})
}

// TestHogs: they are busy, and end when they are told to, or when their input ends.
func TestHogs(t *testing.T) {
	hog := exec.Command(os.Args[0], hogFlag)
	end, err := hog.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hog.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-t.Context().Done():
	case <-time.After(50 * time.Millisecond):
	}
	end.Close()
	if err := hog.Wait(); err != nil || hog.ProcessState.UserTime() == 0 {
		t.Errorf("%v, used %v", err, hog.ProcessState.UserTime())
	}
}

func TestMain(m *testing.M) {
	if slices.Contains(os.Args[1:], hogFlag) {
		hog()
	}
	os.Exit(m.Run())
}
