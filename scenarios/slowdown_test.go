package scenarios

import (
	"strings"
	"testing"
	"time"

	"rubato/runner"
)

// TestSlowdowns: the slowdown is in the stage that the scenario names, at least once an
// operation, and does not change the work.
func TestSlowdowns(t *testing.T) {
	t.Parallel()
	const size, n = 2 * time.Millisecond, 10
	for _, s := range realStyles.all() {
		if len(s.Stages) == 0 {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			shared := t.TempDir()
			options := runner.Options{}
			for _, key := range s.Keys {
				options[key.Name], _, _ = strings.Cut(key.Default, ",")
			}
			if options["passages"] != "" {
				options["passages"] = "200"
			}
			if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1, Options: options}); err != nil {
				t.Fatal(err)
			}
			for _, stage := range append(s.Stages, "") {
				slowdown := &runner.Slowdown{Stage: stage}
				load, err := s.Open(runner.Setup{Style: "direct", Options: options, Shared: shared, Dir: t.TempDir(), Seed: 1, Slowdown: slowdown})
				if err != nil {
					t.Fatal(err)
				}
				if err := load.Prepare(0, n); err != nil {
					t.Fatal(err)
				}
				slowdown.Set(size)
				start := time.Now()
				if err := load.Run(n, func(time.Duration) {}); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); stage != "" && took < n*size/2 { // steps: a faster clock shortens them
					t.Errorf("stage %q: %d operations took %v, each with a slowdown of %v", stage, n, took, size)
				}
				if work, err := load.Work(); err != nil || work.Effects != work.Expected {
					t.Errorf("stage %q: %+v, %v", stage, work, err)
				}
				if err := load.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
