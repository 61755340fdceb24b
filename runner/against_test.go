package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/results"
)

// pastOf is a program that stands for another revision: this one, with a fault in every style.
func pastOf(t *testing.T, fault string) string {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "past")
	script := fmt.Sprintf("#!/bin/sh\n%s='%s' exec '%s' \"$@\"\n", pastVariable, fault, own)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAgainst: each style stands beside its own past, the baseline too. Where the past cannot do the
// same work it has no figure, and all else is measured.
func TestAgainst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fault, why, said string }{
		{fault: "all/stall/0", said: "plain"},
		{fault: "all/lane/0", why: "lane journal", said: "no answer: the work changed"},
		{fault: "slow/crash/0", why: "it failed", said: "slow: no answer"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-against", pastOf(t, c.fault))
			if len(r.run.Changes) != 3 || r.run.Against == nil {
				t.Fatalf("%d changes against %+v\n%s", len(r.run.Changes), r.run.Against, r.stderr)
			}
			for i, of := range r.run.Changes {
				now := r.run.Cells[i]
				if of.Of != now.Key() || now.Verdict == results.Invalid {
					t.Errorf("change %d is of %s; %s is %s %s", i, of.Of, now.Key(), now.Verdict, now.Why)
				}
				past := strings.HasPrefix(c.fault, "all/") || strings.HasPrefix(c.fault, now.Style+"/")
				switch failed := past && c.why != ""; {
				case failed && (of.Before.Verdict != results.Invalid || !strings.Contains(of.Before.Why, c.why) || of.Ratio != nil):
					t.Errorf("%s before: %s %q, ratio %v", now.Style, of.Before.Verdict, of.Before.Why, of.Ratio)
				case !failed && of.Ratio == nil:
					t.Errorf("%s: no ratio; before: %s %s", now.Style, of.Before.Verdict, of.Before.Why)
				case past && c.why == "" && !(of.Ratio.Median < 0.5 && of.OverheadNs.Median < -float64(pace)/20):
					t.Errorf("%s: ×%v, %v ns, where a tenth of a millisecond went", now.Style, of.Ratio, of.OverheadNs)
				}
			}
			if flat := strings.Join(strings.Fields(r.stdout), " "); !strings.Contains(flat, c.said) {
				t.Errorf("it does not say %q:\n%s", c.said, r.stdout)
			}
		})
	}
}

// TestSpeaks: a child that names no version speaks the first.
func TestSpeaks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version int
		own, ok bool
	}{{0, false, true}, {protocol, false, true}, {protocol + 1, false, false}, {protocol + 1, true, true}} {
		a := &arm{cell: &results.Cell{Scenario: "s"}}
		if !c.own {
			a.build = &build{path: "past"}
		}
		if err := a.speaks(reply{Speaks: c.version}); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
	answer, err := (&child{}).do(request{Do: doScript, Protocol: protocol + 1})
	if err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("a child answers a later runner with %+v, %v", answer, err)
	}
}
