package runner

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rubato/inference"
)

var update = flag.Bool("update", false, "rewrite the transcripts")

// The command line as a user meets it.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("LONG", strings.Repeat("l", 240))
			program, err := exec.LookPath("rubato")
			env.Setenv("RUBATO", filepath.Dir(program)) // a PATH with nothing else
			return err
		},
	})
}

// exits CODE COMMAND… runs the command, which must end with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	got := "0"
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit %s, want %s", got, args[0])
	}
}

func FuzzParseSet(f *testing.F) {
	for _, seed := range []string{"passages=1000", "a=1,2", "=", "a", "a=", "a=,", "a=b=c", " a = b , c ", "a=1,1", `a=b\,c`, `a=b\\,c`, `a=\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, values, err := parseSet(text)
		if err != nil {
			return
		}
		escaped := make([]string, len(values))
		if key == "" || len(values) == 0 || slices.Contains(values, "") {
			t.Fatalf("%q: key %q, values %q", text, key, values)
		}
		for i, v := range values {
			escaped[i] = strings.NewReplacer(`\`, `\\`, ",", `\,`).Replace(v)
		}
		again, more, err := parseSet(key + "=" + strings.Join(escaped, ","))
		if err != nil || again != key || !slices.Equal(more, values) {
			t.Fatalf("%q reads as %q %q, and then as %q %q (%v)", text, key, values, again, more, err)
		}
	})
}

func TestEscapedValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`music=/one\, two,/three`: {"/one, two", "/three"},
		`music=C:\music`:          {`C:\music`},
		`music=a\\,b`:             {`a\`, "b"},
		`music=a\\\,b`:            {`a\,b`},
		`music=a\`:                {`a\`},
	} {
		if key, got, err := parseSet(text); err != nil || key != "music" || !slices.Equal(got, want) {
			t.Errorf("%s: %s %q, %v, want %q", text, key, got, err, want)
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	first, again, other := orders(1, "journal", 50, 3), orders(1, "journal", 50, 3), orders(2, "journal", 50, 3)
	same := func(a, b [][]int) bool { return slices.EqualFunc(a, b, slices.Equal[[]int]) }
	if !same(first, again) || same(first, other) || same(first, orders(1, "count", 50, 3)) {
		t.Error("an order is a function of seed and comparison")
	}
	places := [3][3]int{}
	for _, order := range first {
		for turn, arm := range order {
			places[arm][turn]++
		}
	}
	for arm := range places {
		for turn, n := range places[arm] {
			if n == 0 {
				t.Errorf("arm %d never had turn %d in 50 rounds", arm, turn)
			}
		}
	}
}

func TestNextSize(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, test := range []struct {
		n            int
		lasted, want time.Duration
		next         int
	}{
		{1, 1 * ms, 100 * ms, 2},
		{64, 64 * ms, 100 * ms, 111}, // the last step is no doubling
		{100, 99 * ms, 100 * ms, 112},
		{100, 100 * ms, 100 * ms, 100},
		{8, 0, 100 * ms, 16},
		{maxBlockOps, 1 * ms, 100 * ms, maxBlockOps},
	} {
		if got := nextSize(test.n, test.lasted, test.want); got != test.next {
			t.Errorf("%d lasted %v: %d, want %d", test.n, test.lasted, got, test.next)
		}
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		walls []time.Duration
		want  bool
	}{
		{nil, false},
		{[]time.Duration{100, 100, 100}, false},
		{[]time.Duration{900, 100, 100, 101, 102}, true},
		{[]time.Duration{150, 120, 100, 100}, false},
	} {
		if got := level(test.walls); got != test.want {
			t.Errorf("%v: %t", test.walls, got)
		}
	}
}

func TestProductOfSettings(t *testing.T) {
	t.Parallel()
	p, err := newPlan(journals(), config{effort: defaultEffort, scenarios: []string{"journal"},
		set: settings{"pen": {"quill", "ball"}, "width": {"2"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.comparisons {
		for _, a := range c.arms {
			cell := a.cell("journal")
			got = append(got, cell.Key()+" named "+strings.Join(a.named, " "))
		}
	}
	want := []string{
		"journal/plain/fault=none/ink=black/width=2 named ink width",
		"journal/other/fault=none/ink=black/pen=quill/width=2 named ink pen width",
		"journal/other/fault=none/ink=black/pen=ball/width=2 named ink pen width",
		"journal/slow/fault=none/ink=black/width=2 named ink width",
	}
	if !slices.Equal(got[:4], want) || len(got) != 8 || !p.comparisons[0].profiled || p.comparisons[1].profiled {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestEnoughRounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rounds, arms int
		spent        time.Duration
		want         bool
	}{{9, 3, time.Minute, false}, {10, 3, 9 * time.Second, false}, {10, 3, 10 * time.Second, true}, {19, 3, time.Second, false}, {20, 3, time.Second, true},
		{10, 16, 19 * time.Second, false}, {10, 16, 20 * time.Second, true}} {
		p := comparisonPlan{scenario: Scenario{Paced: true}, arms: make([]armPlan, test.arms)}
		if got := p.stopping(config{effort: effort{Rounds: 20, Enough: 10 * time.Second}}).over(test.rounds, test.spent); got != test.want {
			t.Errorf("%d rounds of %d arms in %v: %t", test.rounds, test.arms, test.spent, got)
		}
	}
}

// Trials end with the time, but not before there are enough for an interval, nor after the
// last look.
func TestEnoughTrials(t *testing.T) {
	t.Parallel()
	looks := inference.DefaultLooks()
	for _, test := range []struct {
		trials     int
		spent      time.Duration
		confidence float64
		want       bool
	}{{5, 40 * time.Second, 0.95, false}, {6, time.Minute, 0.95, true}, {6, 24 * time.Second, 0.95, false}, {6, 25 * time.Second, 0.95, true},
		{8, 40 * time.Second, 0.995, false}, {9, time.Minute, 0.995, true}, {looks[len(looks)-1] - 1, time.Second, 0.95, false}, {looks[len(looks)-1], time.Second, 0.95, true}} {
		rule := comparisonPlan{}.stopping(config{effort: defaultEffort, confidence: test.confidence})
		if got := rule.over(test.trials, test.spent); got != test.want || !slices.Equal(rule.looks, looks) {
			t.Errorf("%d trials in %v at %v: %t, looks %v", test.trials, test.spent, test.confidence, got, rule.looks)
		}
	}
	if rule := (comparisonPlan{}).stopping(config{effort: defaultEffort, instruments: true, confidence: 0.95}); rule.looks != nil {
		t.Errorf("what measuring costs waits for no verdict: looks %v", rule.looks)
	}
}

// Trials go on past their time until there is an interval, but not for ever.
func TestLateTrials(t *testing.T) {
	t.Parallel()
	rule := comparisonPlan{}.stopping(config{confidence: 0.999, effort: effort{Time: time.Second}})
	if rule.fewest != inference.Fewest(0.999) || rule.fewest <= fewTrials {
		t.Fatalf("%+v", rule)
	}
	controlled := comparisonPlan{controlled: true}.stopping(config{confidence: 0.999, effort: effort{Time: time.Second}})
	if controlled.fewest <= rule.fewest {
		t.Errorf("with controls %+v, without %+v", controlled, rule)
	}
	for _, test := range []struct {
		trials int
		spent  time.Duration
		want   bool
	}{{rule.fewest - 1, 2 * time.Second, false}, {rule.fewest, time.Second, true}, {rule.fewest, time.Second / 2, false},
		{fewTrials - 1, time.Hour, false}, {fewTrials, late, false}, {fewTrials, late + time.Second, true}} {
		if got := rule.over(test.trials, test.spent); got != test.want {
			t.Errorf("%d trials in %v: %t", test.trials, test.spent, got)
		}
	}
}

// TestCannotMeasure: where nothing can be measured, a run says why. Help and lists are there.
func TestCannotMeasure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"run", "-quick"}, exitUsage, "rubato: no pipes here\n"},
		{[]string{"count", "journal"}, exitUsage, "rubato: no pipes here\n"},
		{[]string{"selfcheck", "-quick"}, exitUsage, "rubato: no pipes here\n"},
		{[]string{"run", "-h"}, exitPass, ""},
		{[]string{"run", "-nonsense"}, exitUsage, "unknown flag"},
		{[]string{"list"}, exitPass, ""},
	} {
		var stderr bytes.Buffer
		p := program{suite: journals().complete(), name: "rubato", stdout: io.Discard, stderr: &stderr, cannot: usageError{errors.New("no pipes here")}}
		if code := p.main(t.Context(), c.args); code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%q: exit %d, want %d: %s", c.args, code, c.code, &stderr)
		}
	}
}
