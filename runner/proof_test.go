package runner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/inference"
	"rubato/reports"
)

// A run that proves itself measures the baseline twice more, apart from its cells, and
// finds what was planted. So large a slowdown shows on any machine.
func TestProvenRun(t *testing.T) {
	t.Parallel()
	for scenario, stage := range map[string]string{"journal": "ink", "count": blockStage} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			r := runTiny(t, t.Context(), nil, scenario, "-proof", "-plant", "9", "-styles", "plain,other")
			for _, p := range r.run.Proofs {
				if p.Stage != stage || p.Share != 9 || p.Twin.Style != "plain" || p.Twin.Work.Digest == "" || p.Twin.Work.Digest != p.Plant.Work.Digest {
					t.Errorf("%+v", p)
				}
				if p.Plant.Ratio == nil || p.Plant.Ratio.Median < 2 || p.Twin.Ratio == nil || strings.Contains(p.Blind, "not found") {
					t.Errorf("plant %v, twin %v, blind %q", p.Plant.Ratio, p.Twin.Ratio, p.Blind)
				}
			}
			contests := len(r.run.Cells) / 2
			if len(r.run.Proofs) != contests || len(r.details.Blocks) != 4*contests*tiny.Rounds {
				t.Errorf("%d cells, %d proofs, %d blocks", len(r.run.Cells), len(r.run.Proofs), len(r.details.Blocks))
			}
			for _, s := range r.details.Samples {
				if strings.Contains(s.Cell, "@role") {
					t.Errorf("a sample of %s", s.Cell)
				}
			}
			if !strings.Contains(r.stdout, "what this run could have seen") {
				t.Errorf("stdout:\n%s", r.stdout)
			}
			if blind := slices.ContainsFunc(r.run.Proofs, func(p reports.Proof) bool { return p.Blind != "" }); blind != (r.code == exitInvalid) {
				t.Errorf("exit %d, blind %v\n%s", r.code, blind, r.stdout)
			}
		})
	}
}

// What a clock paces has no twin: there is no ratio of it.
func TestPacedCarriesNoProof(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "beat", "-proof")
	if r.code != exitPass || len(r.run.Proofs) != 0 {
		t.Errorf("exit %d, %d proofs\n%s", r.code, len(r.run.Proofs), r.stderr)
	}
}

// The plant takes with it whoever falls with the baseline, and a baseline that does
// other work than its twin is void, not blind.
func TestProofOfFaultyBaseline(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-set", "fault=plain/drops/3", "-proof")
	if r.code != exitInvalid || len(r.run.Proofs) != 1 || !strings.Contains(r.run.Proofs[0].Blind, "void") {
		t.Errorf("exit %d, proofs %+v", r.code, r.run.Proofs)
	}
}

// A run that decides goes on to a look, and no further than it must.
func TestDecidedRun(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-decide", "-margin", "0.99")
	c := r.cell(t, "other")
	if r.code != exitPass || c.Rule != reports.Peeking || len(c.Judged) != 1 || c.Judged[0].Verdict == string(inference.Inconclusive) {
		t.Fatalf("exit %d, rule %q, judged %+v\n%s", r.code, c.Rule, c.Judged, r.stderr)
	}
	if !slices.Contains(inference.DefaultLooks(), c.Looked) || c.Rounds != c.Looked+c.LeftOut && c.LeftOut == 0 || c.Rounds <= tiny.Rounds {
		t.Errorf("used %d of %d rounds, %d left out", c.Looked, c.Rounds, c.LeftOut)
	}
	if r.run.Rule == nil || r.run.Rule.Rows != 1 || r.run.Rule.Margin != 0.99 {
		t.Errorf("rule %+v", r.run.Rule)
	}
	if !strings.Contains(r.stdout, "decided after ") || !strings.Contains(r.stderr, "decided after ") {
		t.Errorf("it does not say so:\n%s%s", r.stdout, r.stderr)
	}
}

// When the time is up, what is open stays so.
func TestUndecidedRun(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-decide", "-time", "1ms")
	if c := r.cell(t, "other"); r.code != exitInconclusive || c.Judged[0].Verdict != string(inference.Inconclusive) || c.Ratio == nil || c.Ratio.Bounded() {
		t.Errorf("exit %d, %+v\n%s", r.code, c, r.stdout)
	}
}

// A budget decides instead of change, and one that is not kept ends with exit 1.
func TestJudgedAgainstBudgets(t *testing.T) {
	t.Parallel()
	suite := journals()
	ask, err := parseRun([]string{"-decide", "-proof", "-budgets", "testdata/budgets.yaml", "journal", "count", "-set", "ink=black"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(suite, ask)
	if err != nil {
		t.Fatal(err)
	}
	budgets, err := ask.decide.limits()
	if err != nil {
		t.Fatal(err)
	}
	run := newResult(suite, ask, p, nil, time.Now())
	p.rule(run, ask, budgets)
	against := map[string][]string{}
	for _, c := range run.Cells {
		for _, j := range c.Judged {
			against[c.Scenario+" "+c.Style] = append(against[c.Scenario+" "+c.Style], j.Against())
		}
	}
	for cell, want := range map[string]string{"journal other": "ratio ≤ 3.00, overhead ≤ 2.00 µs, ratio ≤ 9.00", "journal slow": "no change (2.00\u00a0%)",
		"count other": "no change (2.00\u00a0%)", "journal plain": ""} {
		if got := strings.ReplaceAll(strings.Join(against[cell], ", "), "2.00\u00a0µs", "2.00 µs"); got != want {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
	if run.Rule.Rows != 5 { // ratio and overhead of one cell, a ratio of three
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
		"-time 5s":                  "give -decide",
		"-margin 0.1":               "give -decide",
		"-plant 0.1":                "give -proof",
		"-decide -time 0s":          "more than 0",
		"-decide -time 30h":         "at most 24h",
		"-decide -margin 1":         "under 1",
		"-decide -margin NaN":       "under 1",
		"-proof -plant 0":           "over 0",
		"-proof -plant 11":          "at most 10",
		"-decide -time soon":        "invalid value",
		"-proof -decide -margin .1": "",
	} {
		_, err := parseRun(strings.Fields(args))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	ask, err := parseRun([]string{"-decide", "-budgets", "no/such.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask.decide.limits(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that was named and is not there: %v", err)
	}
}
