package components

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

// TestWays: both selections have the effects that they must have, check their answers,
// and leave no goroutine behind. TestPieces tests the rungs.
func TestWays(t *testing.T) {
	s := Alternatives()
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
				if err := load.Run(n, func(time.Duration) {}); err != nil {
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
	s := Alternatives()
	namesArms(t, s.Arms, s.Claims, s.Pairs)
}

// namesArms fails if a claim or a pair names an arm that does not exist.
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

// TestAnswersAreChecked: the check finds an answer that differs from the selection.
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
		t.Errorf("equal answers fail the check: %v, %v", err, s.check(again))
	}
	if err := s.run(2); err != nil || s.check(again) == nil {
		t.Errorf("the check passes a different passage: %v", err)
	}
}

// TestSelectorModuleRefuses: module pd answers an invalid wish with status 400.
func TestSelectorModuleRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no JSON": "{", "empty": "", "wrong type": `{"target":"x"}`, "too large": `{"x":"` + strings.Repeat("y", mostBody) + `"}`} {
		w := httptest.NewRecorder()
		selectorModule{}.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
}
