package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const checkout = "../.."

// TestRegressions: every patch fits the code as it is, and compiles.
func TestRegressions(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	all, err := readRegressions(filepath.Join(root, "ci/testdata/regressions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			run := func(dir, name string, args ...string) string {
				command := exec.Command(name, args...)
				command.Dir = dir
				command.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "CGO_ENABLED=0")
				out, err := command.CombinedOutput()
				if err != nil {
					t.Fatalf("%s %s: %v\n%s\nThe code has moved: make the change by hand, and put its git diff below the head of ci/testdata/regressions/%s.patch",
						name, strings.Join(args, " "), err, out, r.Name)
				}
				return string(out)
			}
			// The patched files go over those of the checkout, which stays as it is.
			patched := t.TempDir()
			replaced, packages := map[string]string{}, map[string]bool{}
			for line := range strings.Lines(run(patched, "git", "apply", "--numstat", r.patch)) {
				path := strings.Fields(line)[2]
				replaced[filepath.Join(root, path)] = filepath.Join(patched, path)
				packages["./"+filepath.Dir(path)] = true
				if err := os.MkdirAll(filepath.Join(patched, filepath.Dir(path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if data, err := os.ReadFile(filepath.Join(root, path)); err == nil {
					if err := os.WriteFile(filepath.Join(patched, path), data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			run(patched, "git", "apply", r.patch)
			overlay, err := json.Marshal(map[string]any{"Replace": replaced})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(patched, "overlay.json"), overlay, 0o644); err != nil {
				t.Fatal(err)
			}
			for name := range packages {
				run(root, "go", "build", "-overlay", filepath.Join(patched, "overlay.json"), name)
			}
		})
	}
}

const head = `What: the bus is slower
Scenario: message-log
Set: mode=closed window=1
Styles: bus
Quantities: ratio cpu_ratio
Part: rules and trace
Loads: quiet hogs
Goal: 0.95

diff --git a/x b/x
Goal: 7
`

func TestParseRegression(t *testing.T) {
	t.Parallel()
	r, err := parseRegression([]byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if r.What != "the bus is slower" || r.Scenario != "message-log" || strings.Join(r.Set, "|") != "mode=closed|window=1" || strings.Join(r.Styles, "|") != "bus" ||
		strings.Join(r.Quantities, "|") != "ratio|cpu_ratio" || r.Part != "rules and trace" || strings.Join(r.Loads, "|") != "quiet|hogs" || r.Goal != 0.95 {
		t.Errorf("%+v", r)
	}
	for from, shows := range map[string]string{
		"What: the bus is slower\n":        "it needs What",
		"Styles: bus\n":                    "it needs What",
		"Goal: 0.95\n":                     "it needs What",
		"Loads: quiet hogs->Loads: asleep": "its Loads: want some of quiet, hogs, counted, not asleep",
		"Goal: 0.95->Goal: 95":             "line 8: Goal: want a share",
		"Part: ->Prat: ":                   `line 6: unknown key "Prat"`,
		"Scenario: ->Scenario ":            "line 2: want KEY: VALUE",
	} {
		from, to, _ := strings.Cut(from, "->")
		if _, err := parseRegression([]byte(strings.Replace(head, from, to, 1))); err == nil || !strings.Contains(err.Error(), shows) {
			t.Errorf("%q → %q: %v, want %q", from, to, err, shows)
		}
	}
}

func FuzzParseRegression(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte("Goal: NaN"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := parseRegression(data); err == nil && (r.Scenario == "" || len(r.Styles) == 0 || !(r.Goal > 0 && r.Goal <= 1)) {
			t.Errorf("%+v", r)
		}
	})
}
