package scenarios

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/runner"
)

// TestWays: the two selections choose the same, leave as many effects as they must and
// nothing behind. The rungs have a test in components.
func TestWays(t *testing.T) {
	s := alternatives()
	shared := t.TempDir()
	if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"select-call", "select-http"} {
		t.Run(way, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			load, err := s.Open(runner.Setup{Style: way, Shared: shared, Dir: t.TempDir(), Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 3, 26} {
				if err := load.Prepare(0, n); err != nil {
					t.Fatal(err)
				}
				if err := load.Run(func(time.Duration) {}); err != nil {
					t.Fatal(err)
				}
				work, err := load.Work()
				if err != nil || work.Effects != int64(n) || work.Expected != int64(n) {
					t.Errorf("%d selections: %+v, %v", n, work, err)
				}
			}
			if err := load.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWaysNamed: claims and pairs name arms that exist.
func TestWaysNamed(t *testing.T) {
	t.Parallel()
	s := alternatives()
	namesArms(t, s.Arms, s.Claims, s.Pairs)
}

// namesArms fails for a claim or a pair of arms that are not there.
func namesArms(t *testing.T, arms []runner.Style, claims []runner.Claim, pairs []runner.Pair, wanted ...string) {
	t.Helper()
	for _, c := range claims {
		wanted = append(wanted, c.Style)
		if c.Less != "" {
			wanted = append(wanted, c.Less)
		}
	}
	for _, p := range pairs {
		wanted = append(wanted, p.Without, p.With)
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(arms, func(arm runner.Style) bool { return arm.Name == name }) {
			t.Errorf("no arm %q", name)
		}
	}
}

// TestAnswersAreChecked: another choice than the one that was made is found out.
func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	asked := 0
	honest := func(wish) (choice, error) { return choice{Passage: 7, Length: 1}, nil }
	swapped := func(wish) (choice, error) {
		if asked++; asked == 3 {
			return choice{Passage: 8, Length: 1}, nil
		}
		return honest(wish{})
	}
	s, again := &selector{ask: swapped}, &selector{ask: honest}
	if err := s.run(2); err != nil || s.check(again) != nil {
		t.Errorf("the same was answered as was made: %v, %v", err, s.check(again))
	}
	if err := s.run(2); err != nil || s.check(again) == nil {
		t.Errorf("another passage was answered, and nobody noticed: %v", err)
	}
}

// TestProgrammeRefuses: what is no wish is answered by status 400, and changes nothing.
func TestProgrammeRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no JSON": "{", "empty": "", "wrong type": `{"target":"x"}`, "too large": `{"x":"` + strings.Repeat("y", mostBody) + `"}`} {
		w := httptest.NewRecorder()
		programme{}.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
}
