package scenarios

import (
	"strings"
	"testing"
	"time"

	"rubato/runner"
)

// TestPlants: the slowdown is in the stage that the scenario names, once an operation
// at least, and leaves the work as it is.
func TestPlants(t *testing.T) {
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
				plant := &runner.Plant{Stage: stage}
				load, err := s.Open(runner.Setup{Style: "direct", Options: options, Shared: shared, Dir: t.TempDir(), Seed: 1, Plant: plant})
				if err != nil {
					t.Fatal(err)
				}
				if err := load.Prepare(0, n); err != nil {
					t.Fatal(err)
				}
				plant.Set(size)
				start := time.Now()
				if err := load.Run(func(time.Duration) {}); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); stage != "" && took < n*size {
					t.Errorf("stage %q: %d operations took %v, each with a plant of %v", stage, n, took, size)
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
