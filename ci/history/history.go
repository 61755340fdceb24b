// Package history keeps what runs found, over months: a line of JSON for each run, by machine and
// settings, and says when a ratio changed its level. history.go is the file and its entries,
// trend.go finds changes, command.go is `rubato baseline`.
//
// It measures nothing and judges no change of today: that is the gate's, with both revisions in one
// run. Between runs of different days the machine changes, too.
package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"rubato/results"
)

// Schema is the version of an entry. Another one is not read.
const Schema = 1

// File is the name of the history in its folder.
const File = "history.jsonl"

const maxFile = 64 << 20 // bytes

// A Machine is what figures depend on. Runs of two machines that differ in any of it are two
// histories. Its fields' names are what messages call them.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	GOMAXPROCS int     `json:"gomaxprocs"`
	GOGC       string  `json:"gogc"`
	OS         string  `json:"os"`
	Arch       string  `json:"arch"`
	Kernel     string  `json:"kernel"`     // its first two numbers
	MemoryGiB  float64 `json:"memory_gib"` // to half a GiB: kernels keep some for themselves
	Governor   string  `json:"governor,omitempty"`
	Turbo      string  `json:"turbo,omitempty"`
	Quota      string  `json:"quota,omitempty"`
	Go         string  `json:"go"`
}

// MachineOf is the machine of a run.
func MachineOf(m results.Machine) Machine {
	return Machine{CPU: m.CPU, Cores: m.Cores, GOMAXPROCS: m.GOMAXPROCS, GOGC: m.GOGC, OS: m.OS, Arch: m.Arch, Kernel: family(m.Kernel),
		MemoryGiB: math.Round(float64(m.Memory)/(1<<29)) / 2, Governor: m.Governor, Turbo: m.Turbo, Quota: m.Quota, Go: m.Go}
}

// family is 6.8 of 6.8.0-1021-azure: what is behind it changes every month.
func family(kernel string) string {
	parts := strings.SplitN(kernel, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// ID is a short name of the machine.
func (m Machine) ID() string {
	data, _ := json.Marshal(m) // numbers and texts always can be
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:4])
}

// Differences say in what another machine differs from this one.
func (m Machine) Differences(other Machine) (all []string) {
	own, its := reflect.ValueOf(m), reflect.ValueOf(other)
	for i := range own.NumField() {
		name, _, _ := strings.Cut(own.Type().Field(i).Tag.Get("json"), ",")
		if a, b := own.Field(i).Interface(), its.Field(i).Interface(); a != b {
			all = append(all, fmt.Sprintf("%s %v, here %v", name, quoted(b), quoted(a)))
		}
	}
	return all
}

func quoted(v any) any {
	if s, is := v.(string); is {
		return fmt.Sprintf("%q", s)
	}
	return v
}

// An Entry is a run in the history.
type Entry struct {
	Schema  int       `json:"schema"`
	Results int       `json:"results_schema"`
	Started time.Time `json:"started"`
	Commit  string    `json:"commit"`
	Dirty   bool      `json:"dirty,omitempty"`
	Machine Machine   `json:"machine"`
	Effort  string    `json:"effort"`
	// Baseline is the style that ratios compare with.
	Baseline string `json:"baseline"`
	Cells    []Cell `json:"cells"`
}

// A Cell has the figures of a cell by the name of their metric. Doubt says why they do not count;
// empty: they do.
type Cell struct {
	Key     string                      `json:"key"`
	Label   string                      `json:"label"`
	Doubt   string                      `json:"doubt,omitempty"`
	Figures map[string]results.Estimate `json:"figures"`
}

// EntryOf is the entry of a run. A run that ended early or has no valid cell is an error.
func EntryOf(run *results.Run) (Entry, error) {
	e := Entry{Schema: Schema, Results: run.Schema, Started: run.Started.UTC(), Commit: run.Machine.Commit, Dirty: run.Machine.Dirty,
		Machine: MachineOf(run.Machine), Effort: run.Effort, Baseline: run.Baseline}
	if run.Incomplete != "" {
		return e, fmt.Errorf("the run ended early (%s): save one that ended by itself", run.Incomplete)
	}
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Verdict == results.Invalid {
			continue
		}
		saved := Cell{Key: c.Key(), Label: strings.TrimSpace(c.Scenario + " " + c.Label()), Figures: map[string]results.Estimate{}}
		if controls := run.ControlsOf(c); controls != nil {
			saved.Doubt = controls.Insensitive
		}
		for _, m := range results.Metrics {
			if f, known := m.Of(c); known && m.Budget.Field != "" {
				saved.Figures[m.Name] = f
			}
		}
		e.Cells = append(e.Cells, saved)
	}
	if len(e.Cells) == 0 {
		return e, errors.New("the run has no valid cell: its report names the reasons")
	}
	return e, nil
}

// Comparable says why an entry's figures are not comparable with those of another run of e's machine and
// settings; empty: they are.
func (e Entry) Comparable(saved Entry) string {
	switch differ := e.Machine.Differences(saved.Machine); {
	case len(differ) > 0:
		return "another machine: " + strings.Join(differ, "; ")
	case saved.Results != e.Results:
		return fmt.Sprintf("results of schema %d, here %d", saved.Results, e.Results)
	case saved.Effort != e.Effort:
		return fmt.Sprintf("effort %q, here %q", saved.Effort, e.Effort)
	case saved.Baseline != e.Baseline:
		return fmt.Sprintf("ratios to %q, here to %q", saved.Baseline, e.Baseline)
	}
	return ""
}

// A History is the file's entries in the order of their runs, and what could not be read of it.
type History struct {
	Entries []Entry
	Damaged []string // each names its line
}

// Read reads the history of a folder. A file that does not exist is an empty history.
func Read(dir string) (History, error) {
	f, err := os.Open(filepath.Join(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		return History{}, nil
	}
	if err != nil {
		return History{}, fmt.Errorf("read the history: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return History{}, fmt.Errorf("read the history: %w", err)
	case len(data) > maxFile:
		return History{}, fmt.Errorf("%s is longer than %d MiB: move it away, or keep its last lines", f.Name(), maxFile>>20)
	}
	return Parse(f.Name(), data), nil
}

// Parse reads entries from lines of JSON. The name is only for messages.
func Parse(name string, data []byte) (h History) {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e Entry
		err := json.Unmarshal(line, &e)
		switch {
		case err == nil && e.Schema != Schema:
			err = fmt.Errorf("schema %d; this rubato reads %d: read it with the rubato that wrote it", e.Schema, Schema)
		case err == nil && (e.Started.IsZero() || len(e.Cells) == 0):
			err = errors.New("no run in it")
		}
		if err != nil {
			h.Damaged = append(h.Damaged, fmt.Sprintf("%s:%d: skipped: %v", name, i+1, err))
			continue
		}
		h.Entries = append(h.Entries, e)
	}
	return h
}

// Append adds an entry to the history of a folder, which it makes. The line is on the disk when it
// returns. A half line at the end of the file, of a program that was killed, stays one line.
func Append(dir string, e Entry) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the history: %w", err)
		}
	}()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, File), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	last := make([]byte, 1)
	if at, err := f.Stat(); err == nil && at.Size() > 0 {
		if _, err := f.ReadAt(last, at.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte("\n"), line...)
		}
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.Sync()
}
