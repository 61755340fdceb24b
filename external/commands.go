package external

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"time"

	"rubato/command"
	"rubato/runner"
	"rubato/runner/host"
)

const commandsHelp = `Usage: rubato commands [flags] 'COMMAND' 'COMMAND'…

Runs commands in turns and says what each costs, with intervals: the first is the baseline. One
operation is one run, from its start until it has ended and its output is closed. stdin is empty.

The work must be the same: each run must end with exit status 0 and print what the baseline prints,
byte for byte, at most 16 MiB of it. A command that fails, takes too long, prints something else or
leaves a process behind is named and has no figures; the others go on. Effects that are not printed
(files, say) are not compared.

CPU is that of the commands, with all processes that they wait for. Allocations are rubato's own;
memory is not measured. The measure start is what it costs to start ` + "`true`" + ` in the same way: so
much of each time is not the command's.

  -name NAME       name of a command, in their order; may be repeated (default: its beginning)
  -shell SHELL     what runs a command, as SHELL -c COMMAND (default sh); none: no shell, the
                   words are split at spaces
  -prepare CMD     run before each timed run, outside the clock; a slice is then one run
  -compare WHAT    output (default), or status: what is printed may differ
  -status N        the exit status that each run must end with (default 0)
  -limit 1m        longest time for a run
` + runFlagsHelp + `
Examples:
  rubato commands 'sort words.txt' 'sort -u words.txt | cat'
  rubato commands -quick -name old -name new './old input' './new input'
  rubato commands -prepare 'make clean' -compare status 'make -j1' 'make -j2'

docs/programs.md says what is measured, and what is not.
`

// commands are what rubato commands measures.
type commands struct {
	Styles         []style
	Shell, Prepare string
	Compare        string
	Status         int
	Limit          time.Duration
	Env            []string // as rubato was started with, of what the runner changes
}

// Values of -compare.
const (
	compareOutput = "output"
	compareBody   = "body"
	compareStatus = "status"
)

func parseCommands(args []string) (c commands, l line, err error) {
	var names []string
	flags := l.flags("commands")
	flags.Func("name", "a name, such as old", func(name string) error { names = append(names, name); return nil })
	flags.StringVar(&c.Shell, "shell", "sh", "a shell, such as bash, or none")
	flags.StringVar(&c.Prepare, "prepare", "", "a command, such as 'make clean'")
	flags.StringVar(&c.Compare, "compare", compareOutput, "output or status")
	flags.IntVar(&c.Status, "status", 0, "an exit status from 0 to 255")
	flags.DurationVar(&c.Limit, "limit", time.Minute, limitWanted)
	texts, err := command.Parse(flags, args)
	if err == nil {
		err = c.check(flags, len(names), texts)
	}
	if err == nil {
		c.Styles, err = named("command", texts, names)
	}
	c.Env, l.shown = original(), quoted(args)
	return c, l, err
}

// An assignment is what a shell takes for the value of a variable.
var assignment = regexp.MustCompile("^\\s*\\w+=[^\\s$`]*\\s*$")

// check refuses what cannot be meant.
func (c commands) check(flags *flag.FlagSet, names int, texts []string) error {
	only := slices.IndexFunc(texts, func(text string) bool { return c.Shell != shellNone && assignment.MatchString(text) })
	switch {
	case names > len(texts):
		return fmt.Errorf("%d names for %d commands: want at most one -name each", names, len(texts))
	case only >= 0:
		return fmt.Errorf("command %q sets a variable and runs nothing: -name NAME names a command", texts[only])
	case c.Shell == "":
		return command.Wrong(flags, "shell")
	case c.Compare != compareOutput && c.Compare != compareStatus:
		return command.Wrong(flags, "compare")
	case c.Status < 0 || c.Status > 255:
		return command.Wrong(flags, "status")
	case c.Limit < leastLimit || c.Limit > mostLimit:
		return command.Wrong(flags, "limit")
	}
	return nil
}

// suite has one scenario. A command is a new process each time, so by default nothing warms its
// caches but its own last run.
func (c commands) suite() runner.Suite {
	s := runner.Scenario{
		Name: "commands", Op: "run", Script: 1, Anywhere: true, Bare: true, Outside: true,
		Answers:  "What does a run of each command cost, from its start to its end? CPU is the commands'; allocations are rubato's own.",
		Cold:     "each run is a new process",
		Measures: []runner.Measure{startMeasure},
		Size:     func(string, runner.Options) runner.Size { return runner.Size{Limit: patient(2 * c.Limit)} },
		Open:     c.open,
	}
	if c.Prepare != "" {
		s.Pause = func(runner.Options) time.Duration { return 1 } // a slice is then one run, so that each is prepared
	}
	how := "run by " + c.Shell
	if c.Shell == shellNone {
		how = "run without a shell"
	}
	return runner.Suite{Name: "commands", Styles: styles(c.Styles, how), Scenarios: []runner.Scenario{s}}
}

// startMeasure is the floor of every command.
var startMeasure = runner.Measure{Name: "start", Unit: "ns",
	Doc: "what it costs to start `true` in the same way and wait for it, outside the clock: the median of some runs. time/op includes about as much that is not the command's own"}

// startRuns are those of the floor after each trial.
const startRuns = 9

// A running is a command at work.
type running struct {
	command       *process
	prepare       *process // nil: nothing is
	floor         *process // nil: there is no `true` here
	first         *answer
	script        bool // it is the script, in which nothing precedes a slice
	asked, done   int
	length        int64 // bytes of all outputs
	wrong, broken string
}

// open starts nothing. A program that is missing is what is wrong with its runs.
func (c commands) open(setup runner.Setup) (runner.Workload, error) {
	text, err := textOf(c.Styles, setup.Style)
	if err != nil {
		return nil, err
	}
	if err := host.AdoptOrphans(); err != nil {
		return nil, fmt.Errorf("keeping hold of the processes of commands: %w", err)
	}
	w := &running{script: setup.Verbatim}
	if c.Compare == compareOutput {
		w.first = &answer{}
	}
	if w.command, err = newProcess(text, c, w.first); err != nil {
		w.broken = err.Error()
	}
	own := c
	own.Status = 0
	if c.Prepare != "" {
		if w.prepare, err = newProcess(c.Prepare, own, nil); err != nil {
			return nil, fmt.Errorf("-prepare: %w", err)
		}
	}
	w.floor, _ = newProcess("true", own, nil)
	return w, nil
}

// Prepare has nothing to make: every run is the same.
func (w *running) Prepare(_, n int) error {
	w.asked, w.done, w.length, w.wrong = n, 0, 0, w.broken
	if w.script {
		return w.BeforeSlice()
	}
	return nil
}

// BeforeSlice runs the command of -prepare.
func (w *running) BeforeSlice() error {
	if w.prepare == nil || w.wrong != "" {
		return nil
	}
	if wrong := cmp.Or(w.prepare.run(), swept()); wrong != "" {
		w.wrong = "-prepare: " + wrong
	}
	return nil
}

// Run runs the command n times. After a failure it does nothing more: the cell is invalid.
func (w *running) Run(n int, latency func(time.Duration)) error {
	for range n {
		if w.wrong != "" {
			return nil
		}
		start := time.Now()
		w.wrong = w.command.run()
		latency(time.Since(start))
		if w.wrong == "" {
			w.done, w.length = w.done+1, w.length+int64(w.command.output.length)
		}
	}
	return nil
}

// AfterSlice ends what the runs have left behind, so that it does not disturb the others.
func (w *running) AfterSlice() error {
	if left := swept(); w.wrong == "" {
		w.wrong = left
	}
	return nil
}

// Work counts the runs that were as they should be, and measures the floor.
func (w *running) Work() (runner.Work, error) {
	if err := w.AfterSlice(); err != nil {
		return runner.Work{}, err
	}
	work := runner.Work{Stimuli: int64(w.asked), Effects: int64(w.done), Expected: int64(w.asked), Wrong: w.wrong}
	if w.first != nil {
		work.Digest, work.Bytes = w.first.digest(), w.length
		if w.script {
			work.Lanes = map[string][]string{"output": w.first.lines()}
		}
	}
	if w.wrong == "" && w.floor != nil {
		work.Figures = w.startCost()
	}
	return work, nil
}

// startCost is the figure of startMeasure.
func (w *running) startCost() map[string]float64 {
	var took []time.Duration
	for range startRuns {
		start := time.Now()
		if w.floor.run() != "" {
			return nil
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return map[string]float64{startMeasure.Name: float64(took[startRuns/2])}
}

// Close ends what is left. What runs were asked for has ended before.
func (w *running) Close() error {
	if left := swept(); left != "" {
		return errors.New(left)
	}
	return nil
}
