// Package measure compares ways of doing the same work that are plain functions: two lines side
// by side, or whole systems that are opened and closed. Each becomes a style of a suite, which
// package runner measures; report, gate and all other commands come along.
//
//	func main() {
//		os.Exit(measure.Main(os.Args[1:], measure.Task[string, string]{
//			Name:  "upper",
//			Input: func(s runner.Setup, i int) string { return fmt.Sprint("word ", i) },
//			Styles: []measure.Style[string, string]{
//				{Name: "library", Do: strings.ToUpper},
//				{Name: "own", Do: upper},
//			},
//		}))
//	}
//
// It holds no clock and no statistics. Who needs more than a function (open loops, several cells, own
// counters) implements runner.Workload. Package benchmark below it does the same inside go test.
package measure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rubato/runner"
)

// A Task is one piece of work and the styles of doing it. The results of all styles must be
// equal: they are compared one by one before and after the timed part, and in it the last ones of
// some slices.
type Task[In, Out any] struct {
	Name    string // short, as in "order" or "parse-json"
	Answers string // the question, in one line; empty: one made of the name
	Op      string // what one operation is, in one word; empty: call
	// Keys are settings of the task, which -set changes: a size, say. Input and Open find the
	// values in Setup.Options.
	Keys []runner.Key
	// Input makes the input of operation i, outside the clock. The same seed and i must make an
	// equal one. nil: i itself where In is int, otherwise the zero value. Inputs of styles that
	// are all functions come again after 1024 operations, so Do must not change them.
	Input func(s runner.Setup, i int) In
	// Styles are the ways of doing it. The first is the baseline.
	Styles []Style[In, Out]
	// Show is how a result is compared, which may be some calls later, and read where it differs.
	// nil: as fmt prints it with %+v. Give one where results hold pointers, maps of pointers or
	// times.
	Show func(Out) string
	// Script is how many operations are compared one by one; 0: 100.
	Script int
	// Limit is how long a slice or the script may take before the style counts as hanging; 0: two
	// minutes.
	Limit time.Duration
}

// A Style is one way of doing the work: a function, or a system that is opened.
type Style[In, Out any] struct {
	Name string
	Doc  string // what it adds to the style before it, in one line
	Do   func(In) Out
	// Open, instead of Do, opens a system, in a process of its own. Setup.Dir is an empty folder on
	// disk for it alone.
	Open func(runner.Setup) (System[In, Out], error)
}

// A System is a style that was opened.
type System[In, Out any] struct {
	// Do returns when the last effect of the operation is durable and visible. An error ends
	// this style's part of the comparison.
	Do func(In) (Out, error)
	// State is what can be read back outside the clock, the same in all styles: totals, rows, what
	// a client has received. nil: the results are all that there is.
	State func() (string, error)
	// Close leaves no goroutine, file or port behind. nil: there is nothing to close.
	Close func() error
}

// Measurable is a Task of any types.
type Measurable interface {
	scenario() (runner.Scenario, error)
	styles() []runner.Style
}

// Main is the command line of a program that measures these tasks; args are those after the
// program's name. It returns the exit code. Call it first in main: the measured processes are started from
// the same program.
func Main(args []string, tasks ...Measurable) int {
	suite, err := Suite(tasks...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		return 2
	}
	return runner.Main(suite, args)
}

// Suite is what runner measures. A style of several tasks has one name and the Doc of the first.
// It refuses tasks that cannot be measured.
func Suite(tasks ...Measurable) (suite runner.Suite, err error) {
	suite.Name = filepath.Base(os.Args[0])
	for _, t := range tasks {
		s, err := t.scenario()
		if err != nil {
			return suite, err
		}
		suite.Scenarios = append(suite.Scenarios, s)
		for _, style := range t.styles() {
			if !slices.ContainsFunc(suite.Styles, func(o runner.Style) bool { return o.Name == style.Name }) {
				suite.Styles = append(suite.Styles, style)
			}
		}
	}
	for i, s := range suite.Scenarios {
		if slices.ContainsFunc(suite.Scenarios[:i], func(o runner.Scenario) bool { return o.Name == s.Name }) {
			return suite, fmt.Errorf("two tasks are called %q: give each a name of its own", s.Name)
		}
	}
	for i := range suite.Scenarios {
		if s := &suite.Scenarios[i]; len(s.Styles) == len(suite.Styles) && s.Styles[0] == suite.Styles[0].Name {
			s.Styles = nil // it is measured in all
		}
	}
	if len(tasks) == 0 {
		return suite, errors.New("there is no task to measure")
	}
	return suite, nil
}

func (t Task[In, Out]) styles() (all []runner.Style) {
	for _, s := range t.Styles {
		all = append(all, runner.Style{Name: s.Name, Doc: s.Doc})
	}
	return all
}

// scenario is the task as runner knows it.
func (t Task[In, Out]) scenario() (runner.Scenario, error) {
	if err := t.sound(); err != nil {
		return runner.Scenario{}, fmt.Errorf("task %q: %w", t.Name, err)
	}
	if t.Answers == "" {
		t.Answers = fmt.Sprintf("What does %s take in each style?", t.Name)
	}
	if t.Op == "" {
		t.Op = "call"
	}
	if t.Script == 0 {
		t.Script = 100
	}
	s := runner.Scenario{Name: t.Name, Answers: t.Answers, Op: t.Op, Keys: t.Keys, Script: t.Script, Recurs: t.pure(), Anywhere: t.pure(),
		Open: func(s runner.Setup) (runner.Workload, error) { return t.open(s) }}
	if t.Limit > 0 {
		s.Size = func(string, runner.Options) runner.Size { return runner.Size{Limit: t.Limit} }
	}
	for _, style := range t.Styles {
		s.Styles = append(s.Styles, style.Name)
	}
	return s, nil
}

// pure reports whether no style has state, so that it is all the same where the script begins.
func (t Task[In, Out]) pure() bool {
	return !slices.ContainsFunc(t.Styles, func(s Style[In, Out]) bool { return s.Open != nil })
}

// sound returns what is wrong with a task.
func (t Task[In, Out]) sound() error {
	switch {
	case t.Name == "":
		return errors.New("it has no name")
	case len(t.Styles) == 0:
		return errors.New("it has no styles: give at least one")
	case t.Script < 0:
		return fmt.Errorf("a script of %d operations", t.Script)
	}
	for i, s := range t.Styles {
		switch {
		case s.Name == "":
			return fmt.Errorf("style %d has no name", i+1)
		case (s.Do == nil) == (s.Open == nil):
			return fmt.Errorf("style %q: give either Do or Open", s.Name)
		case slices.ContainsFunc(t.Styles[:i], func(o Style[In, Out]) bool { return o.Name == s.Name }):
			return fmt.Errorf("two styles are called %q", s.Name)
		}
	}
	return nil
}
