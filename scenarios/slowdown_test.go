package scenarios

import (
	"strings"
	"testing"
	"time"

	"rubato/runner"
)

// TestPlanted: time that is planted in a part is spent once an operation, and the work is the same. An
// operation that does not pass the part is told.
func TestPlanted(t *testing.T) {
	t.Parallel()
	const size, n = 2 * time.Millisecond, 10
	s, shared := realStyles.messageLog(), t.TempDir()
	if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ style, planted, wrong string }{
		{"nats", "codec:2ms", ""}, {"nats", "rules:2ms", ""}, {"bus", "rules:2ms", ""}, {"direct", "rules:2ms", "10 operations did not pass"},
	} {
		t.Run(c.style+" "+c.planted, func(t *testing.T) {
			t.Parallel()
			load, err := s.Open(runner.Setup{Style: c.style, Shared: shared, Dir: t.TempDir(), Seed: 1,
				Options: optionsOf(s, c.style, map[string]string{"mode": "closed", "planted": c.planted})})
			if err != nil {
				t.Fatal(err)
			}
			defer load.Close()
			start := time.Now()
			work, err := block(load, n)
			if err != nil || work.Effects != work.Expected || !strings.Contains(work.Wrong, c.wrong) || (work.Wrong == "") != (c.wrong == "") {
				t.Errorf("%+v, %v, want wrong %q", work, err, c.wrong)
			}
			if took := time.Since(start); c.wrong == "" && took < n*size/2 { // steps: a faster clock shortens them
				t.Errorf("%d operations took %v, each with %v planted", n, took, size)
			}
		})
	}
}

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
