package runner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// failInProfile does what the fault says if a CPU profile is being taken of this process.
func failInProfile(fault, shared string) error {
	what, in := strings.CutSuffix(fault, "-in-profile")
	stacks := make([]byte, 1<<20)
	if !in || !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("pprof.profileWriter")) {
		return nil
	}
	switch what {
	case "hang-once":
		if err := os.Mkdir(filepath.Join(shared, "hung"), 0o700); err == nil {
			<-context.Background().Done()
		}
		return nil
	case "crash":
		panic("out of film")
	case "hang":
		<-context.Background().Done()
	}
	return errors.New("the lens broke")
}

// A profile that hangs or fails costs the profile. The run passes, the cell says why, and all else
// is measured: the windows that come after it, and the other comparisons.
func TestFailedProfiles(t *testing.T) {
	t.Parallel()
	type failing struct {
		args     []string
		profiles int
		warned   []string // styles
		warning  string
	}
	journal := func(fault string) []string {
		return []string{"journal", "count", "-set", "ink=black", "-styles", "plain,other", "-set", "fault=" + fault}
	}
	for _, test := range some(1, []failing{
		{journal("other/hang-in-profile/0"), 4, []string{"plain", "other"}, `no profile: journal fault=other/hang-in-profile/0 ink=black style other: no answer to "trial" within 3s`},
		{journal("other/error-in-profile/0"), 4, []string{"plain", "other"}, "style other: trial: running "},
		{journal("other/crash-in-profile/0"), 4, []string{"plain", "other"}, "panic: out of film"},
		{[]string{"beat", "-styles", "plain,other", "-set", "tells=other/hang-in-profile"}, 2, []string{"other"}, `style other: no answer to "drive" within 3.0`},
		{[]string{"beat", "-styles", "plain,other", "-set", "tells=plain/error-in-profile"}, 2, []string{"plain"}, "the lens broke"},
	}) {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			impatient := func(p *program) { p.limits.Profile, p.limits.Close = 3*time.Second, time.Second }
			r := runTiny(t, t.Context(), impatient, test.args...)
			if r.run.Incomplete != "" || r.code != exitPass && r.code != exitInconclusive { // a busy machine measures few trials
				t.Fatalf("exit %d, incomplete %q\n%s", r.code, r.run.Incomplete, r.stderr)
			}
			if len(r.details.Profiles) != test.profiles {
				t.Errorf("%d profiles, want %d", len(r.details.Profiles), test.profiles)
			}
			idle := map[string]bool{}
			for _, s := range r.details.Samples {
				idle[s.Cell] = idle[s.Cell] || s.Window == "idle"
			}
			for _, c := range r.run.Cells {
				want := ""
				for _, style := range test.warned {
					if c.Style == style && c.Scenario == test.args[0] {
						want = test.warning
					}
				}
				got := strings.Join(c.Warnings, "\n")
				if has := strings.Contains(got, "no profile: "); has != (want != "") || !strings.Contains(got, want) {
					t.Errorf("%s: warnings %q, want %q", c.Key(), got, want)
				}
				if c.Verdict == results.Invalid || !idle[c.Key()] {
					t.Errorf("%s: %s %s, idle window %v\n%s", c.Key(), c.Verdict, c.Why, idle[c.Key()], r.stderr)
				}
			}
		})
	}
}

// A process that hangs in a profile is replaced, and the profile is taken of the new one.
func TestProfileIsTakenAgain(t *testing.T) {
	t.Parallel()
	impatient := func(p *program) { p.limits.Profile, p.limits.Close = 3*time.Second, time.Second }
	r := runTiny(t, t.Context(), impatient, "journal", "-set", "ink=black", "-styles", "plain,other", "-set", "fault=other/hang-once-in-profile/0")
	if !strings.Contains(r.stderr, `a profile failed: journal fault=other/hang-once-in-profile/0 ink=black style other: no answer to "trial" within 3s`) {
		t.Errorf("nothing hung\n%s", r.stderr)
	}
	if len(r.details.Profiles) != 4 || strings.Contains(r.page(t), "no profile") {
		t.Errorf("%d profiles\n%s", len(r.details.Profiles), r.stderr)
	}
}

// A trial or round during which the CPU was slowed down is left out, and the run tells how warm and
// how fast the machine was.
func TestThrottledTrials(t *testing.T) {
	t.Parallel()
	for _, args := range some(1, [][]string{{"journal", "-set", "ink=black"}, {"beat"}}) {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			readings := 0 // since two trials are over
			fake := func(p *program) {
				p.heat = func() results.Heat {
					if len(p.left.record.blocks()) >= 4 {
						readings++
					}
					if readings < 2 {
						return results.Heat{TempC: 60, MHz: 1000}
					}
					return results.Heat{TempC: 82.5, MHz: 600, Throttled: 1 << 18} // the bit stays set
				}
			}
			r := runTiny(t, t.Context(), fake, append(args, "-styles", "plain,other")...)
			disturbed := map[int]string{}
			for _, b := range r.details.EveryBlock() {
				if b.Heat == nil || b.Heat.TempC < 60 {
					t.Errorf("%s, round %d: heat %v", b.Cell, b.Round, b.Heat)
				}
				if b.Disturbed != "" {
					disturbed[b.Round] = b.Disturbed
				}
			}
			if len(disturbed) != 1 {
				t.Fatalf("disturbed %v after %d readings\n%s", disturbed, readings, r.stderr)
			}
			for _, c := range r.run.Cells {
				if got := strings.Join(c.Warnings, "\n"); c.LeftOut != 1 || !strings.Contains(got, "the firmware slowed the CPU down: throttled (get_throttled 0x40000)") {
					t.Errorf("%s: %d left out, warnings %q", c.Key(), c.LeftOut, got)
				}
			}
			if m := r.run.Machine; m.MaxTempC != 82.5 || m.MinMHz != 600 || m.MaxMHz != 1000 {
				t.Errorf("%+v", m)
			}
			if page := r.page(t); !strings.Contains(page, "up to 82.5") || !strings.Contains(page, "600 to 1000") {
				t.Errorf("the report says neither:\n%s", page)
			}
		})
	}
}

// Short operations need many lives where each prepares its stimuli; where these come again, one is enough.
func TestLives(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		effort effort
		recurs bool
		ops    int
		want   int
	}{{quickEffort, false, 30_000, 100}, {quickEffort, true, 30_000, 1}, {defaultEffort, true, 30_000, 3}, {quickEffort, false, 10, 1}} {
		c := comparison{measurement: &measurement{config: config{effort: test.effort}}, plan: comparisonPlan{scenario: Scenario{Recurs: test.recurs}}}
		if got := c.lives(100, slicing{Ops: test.ops}); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}
