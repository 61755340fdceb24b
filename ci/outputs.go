package ci

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/reports"
	"rubato/results"
)

// outputs are the forms in which a gate gives its answer, beside the exit code.
type outputs struct {
	json         bool // on stdout, instead of the table
	junit        string
	metrics      string
	quality      string
	comment      string
	inconclusive string // fails or warns
}

// What -inconclusive may be.
const (
	fails = "fail"
	warns = "warn"
)

func outputFlags(flags *flag.FlagSet) *outputs {
	var o outputs
	flags.BoolVar(&o.json, "json", false, "")
	flags.StringVar(&o.junit, "junit", "", "a file, such as out/junit.xml")
	flags.StringVar(&o.metrics, "metrics", "", "a file, such as out/metrics.txt")
	flags.StringVar(&o.quality, "codequality", "", "a file, such as out/codequality.json")
	flags.StringVar(&o.comment, "comment", "", "a file, such as out/comment.md")
	flags.StringVar(&o.inconclusive, "inconclusive", fails, "fail or warn")
	return &o
}

// check refuses a flag without a value, and values that are not valid.
func (o *outputs) check(flags *flag.FlagSet) (err error) {
	flags.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" {
			err = errors.Join(err, fmt.Errorf("-%s has no value: want %s", f.Name, f.Usage))
		}
	})
	if err == nil && o.inconclusive != fails && o.inconclusive != warns {
		return fmt.Errorf("-inconclusive %s: want fail or warn", o.inconclusive)
	}
	return err
}

// weigh lets an inconclusive gate pass if the user wants that. Its verdict stays, and every
// output shows it.
func (o *outputs) weigh(a Answer) Answer {
	if a.Exit == ExitInconclusive && o.inconclusive == warns {
		a.Exit = ExitWithin
	}
	return a
}

// shown is an answer with what explains it.
type shown struct {
	Answer
	Moves      []reports.Move `json:"moves"`
	Detectable []detectable   `json:"detectable"`

	started time.Time
	seconds float64
	report  []byte // the beginning of report.md
	budgets string // the file
	root    string // of the repository, as the build server says; may be empty
	lenient bool   // an inconclusive limit does not fail
}

// detectable is what a comparison could have found.
type detectable struct {
	Comparison  string   `json:"comparison"`
	Ratio       *float64 `json:"ratio,omitempty"` // the smallest that it finds 9 times out of 10; nil: none
	Insensitive string   `json:"insensitive,omitempty"`
}

// explain reads what explains an answer: profiles, controls and report. What cannot be read is
// a warning, since the verdicts do not need it.
func explain(a Answer, budgets, dir string, run *results.Run, details results.Details) shown {
	s := shown{Answer: a, Moves: []reports.Move{}, Detectable: []detectable{}, started: run.Started, seconds: run.Seconds, budgets: budgets}
	moves, err := reports.Moves(dir, run, details)
	if err != nil {
		s.Warnings = append(s.Warnings, "no stage is named: "+err.Error())
	}
	s.Moves = results.OrEmpty(moves)
	for i := range run.Controls {
		c := &run.Controls[i]
		s.Detectable = append(s.Detectable, detectable{c.Comparison(), c.MinimumDetectable, cmp.Or(reports.Insensitivity(c, run.Margin()), c.Insensitive)})
	}
	if text, err := os.ReadFile(filepath.Join(dir, "report.md")); err == nil {
		s.report = reports.Beginning(text)
	}
	return s
}

// write gives the answer in every form that was asked for, and those that the build server shows.
func (o *outputs) write(stdout, stderr io.Writer, s shown, env func(string) string) error {
	if env == nil {
		env = func(string) string { return "" }
	}
	s.lenient = o.inconclusive == warns
	s.root = cmp.Or(env("GITHUB_WORKSPACE"), env("CI_PROJECT_DIR"))
	files := []struct {
		path string
		make func(shown) ([]byte, error)
	}{{o.junit, junit}, {o.metrics, metrics}, {o.quality, codeQuality}, {o.comment, comment}}
	for _, f := range files {
		if f.path == "" {
			continue
		}
		data, err := f.make(s)
		if err == nil {
			err = results.WriteFile(f.path, data)
		}
		if err != nil {
			return err
		}
	}
	if path := env("GITHUB_STEP_SUMMARY"); path != "" {
		if err := appendTo(path, stepSummary(s)); err != nil {
			return err
		}
	}
	onGitHub := env("GITHUB_ACTIONS") == "true"
	commands := strings.Join(annotations(s), "")
	switch {
	case o.json:
		text, err := asJSON(s)
		if err == nil {
			_, err = stdout.Write(text)
		}
		if err == nil && onGitHub {
			_, err = io.WriteString(stderr, commands)
		}
		return err
	case onGitHub:
		_, err := io.WriteString(stdout, uncommanded(table(s))+commands)
		return err
	}
	_, err := io.WriteString(stdout, table(s))
	return err
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// asJSON is the answer. A name in it cannot be a workflow command of the old form, which counts
// anywhere in a line.
func asJSON(s shown) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return []byte(strings.ReplaceAll(b.String(), "##[", `#\u0023[`)), err
}

// table is the answer for a terminal.
func table(s shown) string {
	text := gridOf(s.Answer).Terminal()
	for _, line := range s.explained() {
		text += line + "\n"
	}
	return text + summary(s.Answer) + "\n"
}

// explained says where differences go that are not within their limits, and what the run could
// have found.
func (s shown) explained() (lines []string) {
	for _, m := range s.Moves {
		if m.Changed || s.doubted(m.Arm) {
			lines = append(lines, "moved: "+m.Text())
		}
	}
	for _, d := range s.Detectable {
		switch {
		case d.Insensitive != "" || d.Ratio == nil:
			lines = append(lines, "detectable: "+d.Comparison+": this run could not have found a change of time")
		default:
			lines = append(lines, fmt.Sprintf("detectable: %s: this run finds a change of time of %s 9 times out of 10", d.Comparison, percent(*d.Ratio-1)))
		}
	}
	return lines
}

// doubted reports whether some limit on the arm is not certainly kept.
func (s shown) doubted(arm string) bool {
	return slices.ContainsFunc(s.Rows, func(r Row) bool { return r.Cell == arm && !r.settled() })
}

// settled reports whether the row needs nobody's attention.
func (r Row) settled() bool { return r.Verdict == Within || r.Verdict == Told }

func percent(share float64) string { return reports.Compact(100*share) + " %" }

// failing reports whether a row, as it is, makes the gate fail.
func (s shown) failing(r Row) bool {
	switch r.Verdict {
	case Within, Told:
		return false
	case Inconclusive:
		return !s.lenient && !r.Warn
	case Over:
		return !r.Warn
	}
	return true
}

// A troubled budget has rows that are not within their limits. Outputs that have room for one
// note a budget show it.
type troubled struct {
	name    string
	file    string
	line    int
	rows    []Row
	failing bool
}

// troubles are the troubled budgets, in the order of the file.
func (s shown) troubles() (all []troubled) {
	at := map[string]int{}
	for _, r := range s.Rows {
		if r.settled() {
			continue
		}
		i, known := at[r.Budget]
		if !known {
			i = len(all)
			at[r.Budget] = i
			all = append(all, troubled{name: r.Budget, file: r.File, line: r.Line})
		}
		all[i].rows = append(all[i].rows, r)
		all[i].failing = all[i].failing || s.failing(r)
	}
	return all
}

// whole are the reasons that are about the whole run and no budget. A gate that does not pass has
// one of these or a troubled budget.
func (s shown) whole() (why []string) {
	if s.Incomplete != "" {
		why = append(why, "the run ended early: "+s.Incomplete)
	}
	failing := slices.ContainsFunc(s.troubles(), func(t troubled) bool { return t.failing })
	if len(why) == 0 && !failing && (s.Exit != ExitWithin || len(s.Rows) == 0) {
		why = append(why, s.Verdict+": "+summary(s.Answer))
	}
	return why
}

// said is a row in a sentence.
func (r Row) said() string {
	text := fmt.Sprintf("%s: %s, measured %s: %s", r.Cell, r.limit(), r.measured(), r.Verdict)
	if r.Why != "" {
		text += ", " + r.Why
	}
	return text
}
