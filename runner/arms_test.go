package runner

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/ci"
	"rubato/inference"
	"rubato/reports"
	"rubato/results"
)

// A run with controls measures the baseline twice more, apart from its cells, and finds
// the injected slowdown. So large a one shows on any machine.
func TestControlledRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	for scenario, stage := range map[string]string{"journal": "ink", "count": blockStage} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			args := []string{scenario}
			if scenario == "journal" {
				args = append(args, "-set", "ink=black")
			}
			r := runTiny(t, t.Context(), nil, append(args, "-controls", "-slowdown", "4", "-styles", "plain,other")...)
			trials := r.whole(t)
			for _, p := range r.run.Controls {
				if p.Stage != stage || p.Share != 4 || p.AA.Style != "plain" || p.AA.Work.Digest == "" || p.AA.Work.Digest != p.Slowdown.Work.Digest {
					t.Errorf("%+v", p)
				}
				if p.Slowdown.Ratio == nil || p.Slowdown.Ratio.Median < 2 || p.AA.Ratio == nil || strings.Contains(p.Insensitive, "not found") {
					t.Errorf("injected slowdown %v, A/A control %v, insensitive %q", p.Slowdown.Ratio, p.AA.Ratio, p.Insensitive)
				}
				if p.AA.Rounds != trials || p.Slowdown.Rounds != trials || p.AA.Rule != results.Sequential {
					t.Errorf("%d trials; %d of the A/A control, %d of the slowdown, by rule %q", trials, p.AA.Rounds, p.Slowdown.Rounds, p.AA.Rule)
				}
			}
			if len(r.run.Cells) != 2 || len(r.run.Controls) != 1 || r.run.Rule.Rows != 3 {
				t.Errorf("%d cells, %d pairs of controls, rule %+v", len(r.run.Cells), len(r.run.Controls), r.run.Rule)
			}
			for _, s := range r.details.Samples {
				if strings.Contains(s.Cell, "@role") {
					t.Errorf("a sample of %s", s.Cell)
				}
			}
			if !strings.Contains(r.stdout, "Controls: what this run can detect") {
				t.Errorf("stdout:\n%s", r.stdout)
			}
			if insensitive := slices.ContainsFunc(r.run.Controls, func(p results.Controls) bool { return p.Insensitive != "" }); insensitive != (r.code == exitInvalid) {
				t.Errorf("exit %d, insensitive %v\n%s", r.code, insensitive, r.stdout)
			}
		})
	}
}

// The controls are invalid with the baseline. A baseline that does other work than its A/A
// control is invalid, not insensitive.
func TestControlsOfFaultyBaseline(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-set", "fault=plain/drops/3", "-controls")
	if r.code != exitInvalid || len(r.run.Controls) != 1 || !strings.Contains(r.run.Controls[0].Insensitive, "invalid") {
		t.Errorf("exit %d, controls %+v", r.code, r.run.Controls)
	}
}

// A run that decides goes on to a look, and no further than it must.
func TestDecidedRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-decide", "-margin", "0.99")
	r.passed(t)
	c := r.cell(t, "other")
	if c.Rule != results.Sequential || len(c.Judged) != 1 || c.Judged[0].Verdict == string(inference.Inconclusive) {
		t.Fatalf("rule %q, judged %+v\n%s", c.Rule, c.Judged, r.stderr)
	}
	if trials := r.whole(t); !slices.Contains(inference.DefaultLooks(), c.Looked) || c.Rounds != c.Looked || trials != c.Rounds+c.LeftOut || c.Trials.TimeUp {
		t.Errorf("used %d of %d trials, %d of them valid, %d left out, %+v", c.Looked, trials, c.Rounds, c.LeftOut, c.Trials)
	}
	if r.run.Rule == nil || r.run.Rule.Rows != 1 || r.run.Rule.Margin != 0.99 || !r.run.Rule.Decides || r.run.Rule.Time != decisionTime {
		t.Errorf("rule %+v", r.run.Rule)
	}
	if !strings.Contains(r.stdout, "decided after ") || !strings.Contains(r.stderr, "certain after ") {
		t.Errorf("it does not say so:\n%s%s", r.stdout, r.stderr)
	}
}

// When the time is up, there is a last look at all trials: as many as an interval needs.
// What is open then stays so. Without a margin, no change can never be certain.
func TestUndecidedRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-decide", "-time", "1ms", "-margin", "0")
	trials, c := r.whole(t), r.cell(t, "other")
	if fewest := inference.Fewest(inference.Confidence); trials-c.LeftOut != fewest || !c.Trials.TimeUp || c.Looked != c.Rounds || c.Rounds+c.LeftOut != trials || r.run.Rule.Time != time.Millisecond {
		t.Errorf("%d trials, want %d; looked at %d of %d, %d left out, %+v, rule %+v", trials, fewest, c.Looked, c.Rounds, c.LeftOut, c.Trials, r.run.Rule)
	}
	if c.Ratio == nil || !c.Ratio.Bounded() {
		t.Fatalf("ratio %v\n%s", c.Ratio, r.stdout)
	}
	open := c.Ratio.Lo <= 1 && 1 <= c.Ratio.Hi
	if (c.Judged[0].Verdict == string(inference.Inconclusive)) != open || (r.code == exitInconclusive) != open {
		t.Errorf("exit %d, ratio %+v, judged %+v\n%s", r.code, c.Ratio, c.Judged, r.stdout)
	}
}

// A plain run ends when its verdicts are certain or its time is up. It has verdicts, but
// the exit code does not depend on them.
func TestPlainRunDoesNotDecide(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "count", "-styles", "plain,other", "-margin", "0")
	r.passed(t)
	c := r.cell(t, "other")
	if len(c.Judged) != 1 || r.run.Rule == nil || r.run.Rule.Decides || r.run.Rule.Time != tiny.Time {
		t.Errorf("judged %+v, rule %+v\n%s", c.Judged, r.run.Rule, r.stdout)
	}
}

// A run that shall be precise ends when every ratio is, which it looks at as others do.
func TestPreciseRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "count", "-styles", "plain,other", "-precision", "90%")
	r.passed(t)
	c := r.cell(t, "other")
	if !slices.Contains(inference.DefaultLooks(), c.Looked) || c.Trials.TimeUp || r.run.Rule.Precision != 0.9 || r.run.Rule.Time != precisionTime {
		t.Errorf("looked at %d, %+v, rule %+v\n%s", c.Looked, c.Trials, r.run.Rule, r.stderr)
	}
	if c.Ratio == nil || !c.Ratio.Bounded() || c.Ratio.Hi-c.Ratio.Lo > 2*0.9*c.Ratio.Median {
		t.Errorf("ratio %+v", c.Ratio)
	}
}

// A budget decides instead of change, and one that is not kept ends with exit 1.
func TestJudgedAgainstBudgets(t *testing.T) {
	t.Parallel()
	suite := journals()
	ask, err := parseRun([]string{"-decide", "-controls", "-budgets", "testdata/budgets.yaml", "journal", "count", "-set", "ink=black"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(suite, ask)
	if err != nil {
		t.Fatal(err)
	}
	budgets, _, err := ask.decide.limits()
	if err != nil {
		t.Fatal(err)
	}
	run := newResult(suite, ask, p, nil, time.Now())
	p.rule(run, ask, budgets)
	against := map[string][]string{}
	for _, c := range run.Cells {
		for _, j := range c.Judged {
			against[c.Scenario+" "+c.Style] = append(against[c.Scenario+" "+c.Style], reports.Against(j))
		}
	}
	for cell, want := range map[string]string{"journal other": "ratio ≤ 3.00, overhead ≤ 2.00 µs, ratio ≤ 9.00", "journal slow": "no change (2.00\u00a0%)",
		"count other": "no change (2.00\u00a0%)", "journal plain": ""} {
		if got := strings.ReplaceAll(strings.Join(against[cell], ", "), "2.00\u00a0µs", "2.00 µs"); got != want {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
	if run.Rule.Rows != 9 { // ratio and overhead of one cell, a ratio of three, two controls in each of two comparisons
		t.Errorf("%d rows", run.Rule.Rows)
	}
	run.Cells[1].Judged[0].Verdict = string(inference.Over)
	if code := exitCode(run); code != exitOver {
		t.Errorf("exit %d", code)
	}
}

func TestDecisionFlags(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-time 5s":                     "",
		"-proof":                       "-proof is now -controls",
		"-ledger":                      "-ledger is now -instruments",
		"-plant 0.1":                   "-plant is now -slowdown",
		"-margin 0.1":                  "",
		"-budgets no/such.yaml":        "",
		"-time 0s":                     "a time over 0",
		"-time -5s":                    "a time over 0",
		"-margin -0.1":                 "under 1",
		"-instruments -precision 1%":   "-instruments and -precision",
		"-precision 1% -time 60s":      "",
		"-slowdown 0.1":                "give -controls",
		"-decide -time 0s":             "a time over 0",
		"-decide -time 30h":            "at most 24h",
		"-decide -margin 1":            "under 1",
		"-decide -margin NaN":          "under 1",
		"-controls -slowdown 0":        "over 0",
		"-controls -slowdown 11":       "at most 10",
		"-decide -time soon":           "-time soon: want a time",
		"-controls -decide -margin .1": "",
	} {
		_, err := parseRun(strings.Fields(args))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	ask, err := parseRun([]string{"-budgets", "no/such.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask.decide.limits(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that was named and is not there: %v", err)
	}
}

func TestPrecision(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"1%": 0.01, " 0.5 % ": 0.005, "0.01": 0.01, "100%": 1, "1": 1} {
		ask, err := parseRun([]string{"-precision", text})
		if err != nil || math.Abs(ask.decide.precision-want) > 1e-15 || ask.trialTime() != precisionTime {
			t.Errorf("%q: %v in %v, %v", text, ask.decide.precision, ask.trialTime(), err)
		}
	}
	for _, text := range []string{"0", "0%", "-0", "-1%", "101%", "1.01", "", "%", "1%%", "one", "NaN", "NaN%", "Inf", "1e999%", "1,5%"} {
		_, err := parseRun([]string{"-precision", text})
		var usage usageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), "-precision "+text+": want a share over 0 % and at most 100 %") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// How long the trials of a comparison may take: what the user says, else what the kind of
// run needs.
func TestTrialTime(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]time.Duration{"": 25 * time.Second, "-quick": 5 * time.Second, "-full": 2 * time.Minute,
		"-decide": decisionTime, "-decide -precision 1%": precisionTime, "-precision 1% -time 3s": 3 * time.Second, "-quick -time 3s -decide": 3 * time.Second} {
		ask, err := parseRun(strings.Fields(args))
		if err != nil || ask.trialTime() != want {
			t.Errorf("%q: %v, want %v, %v", args, ask.trialTime(), want, err)
		}
	}
}

// A run that is asked what measuring costs carries arms that differ by one instrument,
// apart from its cells, and the instruments are at work as their names say.
func TestInstrumentsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-instruments")
	var instruments []string
	for _, o := range r.run.Instruments {
		instruments = append(instruments, o.Name)
		if o.Arm.Verdict == results.Invalid || o.Cost == nil || o.Base != r.run.Cells[0].Key() {
			t.Errorf("%s: base %s, %s %s, cost %v", o.Name, o.Base, o.Arm.Verdict, o.Arm.Why, o.Cost)
		}
		for _, b := range r.details.Blocks {
			recorded := o.Arm.Role != results.RoleBare && o.Arm.Role != results.WithoutRole(histogramInstrument)
			verified := o.Arm.Role != results.RoleBare && o.Arm.Role != results.WithoutRole(equivalenceInstrument)
			if b.Cell == o.Arm.Key() && (b.Digest != "unverified") != verified {
				t.Errorf("%s: digest %s, want one: %v", o.Arm.Key(), b.Digest, verified)
			}
			if b.Cell == o.Arm.Key() && (b.Latency != "") != recorded {
				t.Errorf("%s: latencies reported %v, want %v", o.Arm.Key(), b.Latency != "", recorded)
			}
		}
	}
	want := []string{"all usual instruments", histogramInstrument, watchInstrument, equivalenceInstrument, samplerInstrument, profileInstrument}
	if !slices.Equal(instruments, want) {
		t.Errorf("instruments %v, want %v", instruments, want)
	}
	if len(r.run.Cells) != 2 || !strings.Contains(r.stdout, "What measuring costs") {
		t.Errorf("%d cells, stdout:\n%s", len(r.run.Cells), r.stdout)
	}
	for _, s := range r.details.Samples {
		if strings.Contains(s.Cell, "@role") {
			t.Errorf("a sample of %s", s.Cell)
		}
	}
	for _, b := range r.details.Blocks {
		if b.Resources == nil || b.Resources.MinorFaults < 0 {
			t.Errorf("%s round %d: resources %+v", b.Cell, b.Round, b.Resources)
		}
	}
}

// An instrument of a style's own is switched off by its options, if it is on.
func TestOwnInstruments(t *testing.T) {
	t.Parallel()
	trace := Instrument{Name: "trace", Style: "other", Without: Options{"trace": "off"}}
	plan := comparisonPlan{scenario: Scenario{Name: "s", Instruments: []Instrument{trace}}}
	for _, c := range []struct {
		value string
		want  bool
	}{{"on", true}, {"off", false}} {
		plan.arms = []armPlan{{style: "plain", options: Options{}}, {style: "other", options: Options{"trace": c.value}}}
		all := plan.instruments()
		last := all[len(all)-1]
		if (last.Name == "trace") != c.want {
			t.Errorf("trace %s: %+v", c.value, last)
		}
		if c.want && (last.Arm.Options["trace"] != "off" || last.Arm.Role != "without trace" || last.Added || last.Usual ||
			last.Base != plan.arms[1].cell("s").Key()) {
			t.Errorf("%+v", last)
		}
		if plan.arms[1].options["trace"] != c.value {
			t.Error("the arm itself was changed")
		}
	}
}

func TestInstrumentsRefusals(t *testing.T) {
	t.Parallel()
	if _, err := parseRun([]string{"-instruments", "-decide"}); err == nil || !strings.Contains(err.Error(), "-instruments and -decide") {
		t.Errorf("got %v", err)
	}
}

// A run beside another revision goes on until it is certain about the budgets of what changed, the
// baseline's, too; a style without one is asked whether it changed.
func TestJudgedAgainstTheOtherRevision(t *testing.T) {
	t.Parallel()
	suite := journals()
	ask, err := parseRun([]string{"-decide", "journal", "-set", "ink=black"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(suite, ask)
	if err != nil {
		t.Fatal(err)
	}
	budgets, err := ci.ParseBudgets("f", []byte("schema: 2\nbaseline: plain\nbudgets:\n- name: n\n  scenario: journal\n  style: [plain, other]\n  change: {cpu_ratio: 1.05, ratio: 1.1, allocs: 0}\n  source: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.against(&build{}, func(string, ...any) {})
	run := newResult(suite, ask, p, nil, time.Now())
	p.rule(run, ask, budgets)
	var got []string
	for _, of := range run.Changes {
		for _, j := range of.Judged {
			got = append(got, of.Before.Style+" "+reports.Against(j))
		}
	}
	if want := "plain CPU ratio ≤ 1.05, plain ratio ≤ 1.10, other CPU ratio ≤ 1.05, other ratio ≤ 1.10, slow no change (2.00\u00a0%)"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	if run.Rule.Rows != 2+5 { // a ratio of two styles, and of the changes what is asked
		t.Errorf("%d rows", run.Rule.Rows)
	}
}
