package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// unchanged is the case without a regression: each failure is a false alarm.
const unchanged = "unchanged"

// Loads of the machine during a gate.
const (
	quiet   = "quiet"
	hogs    = "hogs"    // two other processes are busy
	counted = "counted" // whatever the load: instructions are counted, and nothing is timed
)

var loads = []string{quiet, hogs, counted}

// A regression is a change for the worse that a gate has to find and name. Its patch begins
// with what the gate should say, as lines of the form "Key: value".
type regression struct {
	Name       string
	What       string
	Scenario   string
	Set        []string // options of the scenario, KEY=VALUE
	Styles     []string // those that become worse
	Quantities []string // of which the gate names at least one
	Part       string   // of the operation, as the report names it
	Loads      []string // of the machine, under which it has to be found
	Goal       float64  // share of gates that find it
	patch      string   // path; empty: the code is unchanged
}

// readRegressions reads the patches of a folder, by name.
func readRegressions(dir string) ([]regression, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil {
		return nil, err
	}
	var all []regression
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r, err := parseRegression(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r.Name, r.patch = strings.TrimSuffix(filepath.Base(path), ".patch"), path
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no patches here; run it from the checkout", dir)
	}
	return all, nil
}

// parseRegression reads the lines before the first empty one.
func parseRegression(data []byte) (r regression, err error) {
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan() && lines.Text() != ""; n++ {
		key, value, is := strings.Cut(lines.Text(), ": ")
		if !is || strings.TrimSpace(value) == "" {
			return r, fmt.Errorf("line %d: want KEY: VALUE, and an empty line before the patch", n)
		}
		switch words := strings.Fields(value); key {
		case "What":
			r.What = value
		case "Scenario":
			r.Scenario = value
		case "Set":
			r.Set = words
		case "Styles":
			r.Styles = words
		case "Quantities":
			r.Quantities = words
		case "Part":
			r.Part = value
		case "Loads":
			r.Loads = words
		case "Goal":
			if r.Goal, err = strconv.ParseFloat(value, 64); err != nil || !(r.Goal > 0 && r.Goal <= 1) {
				return r, fmt.Errorf("line %d: Goal: want a share over 0 and at most 1, such as 0.95", n)
			}
		default:
			return r, fmt.Errorf("line %d: unknown key %q; there are What, Scenario, Set, Styles, Quantities, Part, Loads and Goal", n, key)
		}
	}
	switch {
	case r.What == "" || r.Scenario == "" || len(r.Styles) == 0 || len(r.Quantities) == 0 || r.Part == "" || r.Goal == 0 || len(r.Loads) == 0:
		return r, fmt.Errorf("it needs What, Scenario, Styles, Quantities, Part, Loads and Goal")
	case slices.ContainsFunc(r.Loads, func(load string) bool { return !slices.Contains(loads, load) }):
		return r, fmt.Errorf("its Loads: want some of %s, not %s", strings.Join(loads, ", "), strings.Join(r.Loads, " "))
	}
	return r, lines.Err()
}

// A tree is a checkout of the last commit with a regression, and the program built from it.
type tree struct {
	dir string
}

// grow checks out the last commit, applies the patch and builds.
func (t tree) grow(ctx context.Context, root string, r regression) error {
	steps := [][]string{{"git", "-C", root, "worktree", "add", "--detach", t.dir, "HEAD"}}
	if r.patch != "" {
		steps = append(steps, []string{"git", "-C", t.dir, "apply", r.patch})
	}
	steps = append(steps, []string{"make", "-C", t.dir, "build"})
	for _, step := range steps {
		if out, err := exec.CommandContext(ctx, step[0], step[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %s: %w\n%s", r.Name, strings.Join(step, " "), err, out)
		}
	}
	return nil
}

// fell removes the checkout.
func (t tree) fell(root string) error {
	if out, err := exec.Command("git", "-C", root, "worktree", "remove", "--force", t.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("git worktree remove: %w\n%s", err, out)
	}
	return nil
}
