package runner

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"rubato/ci"
	"rubato/command"
	"rubato/results"
	"rubato/runner/host"
)

// Exit codes. Those of the gate are its own, with the same meaning.
const (
	exitPass         = 0
	exitOver         = 1
	exitUsage        = 2
	exitInconclusive = 3
	exitInvalid      = 4
	exitFailed       = 5
)

// A program is the command line and what it needs.
type program struct {
	suite          Suite
	name           string
	stdout, stderr io.Writer
	limits         limits
	left           *leftovers
	heat           func() results.Heat // nil: not read
	cannot         error               // why nothing can be measured here; nil: it can
}

// Main is the whole command line of a suite; args are those after the program's name. It
// returns the exit code. Call it first in main: the measured child processes are started
// from the same program.
func Main(suite Suite, args []string) int { return MainTo(suite, args, os.Stdout, os.Stderr) }

// IsChild reports whether the arguments are those of a measured child, which are for Main.
func IsChild(args []string) bool { return len(args) > 0 && args[0] == childCommand }

// MainTo is Main with other places for results and progress. A child answers on its real stdout.
func MainTo(suite Suite, args []string, stdout, stderr io.Writer) int {
	suite = suite.complete()
	if IsChild(args) {
		return mainChild(withKernel(suite), args[1:])
	}
	out := &output{to: screen{stdout}}
	p := program{suite: suite, name: filepath.Base(os.Args[0]), stdout: out, stderr: screen{stderr},
		limits: patience, left: &leftovers{}, heat: host.HeatNow}
	if err := host.CannotRun(); err != nil {
		p.cannot = usageError{err}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go p.stopOnInterrupt(cancel, listen(stopsOn(suite, args)))
	code := p.main(ctx, args)
	if err := out.failed(); err != nil && code != exitFailed { // which has been reported
		return p.fail(fmt.Errorf("the output is not complete: %w", err))
	}
	return code
}

// mainChild answers on the real stdout. What else the process prints there goes to stderr:
// it would break the protocol. It makes the arm invalid, too: the others do not print.
func mainChild(suite Suite, how []string) int {
	out := os.Stdout
	printed, err := catchStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	if len(how) == 1 && how[0] == countArgument {
		return serveCount(suite, os.Stdin, out)
	}
	syscall.CloseOnExec(turnsInFD) // a server that a style starts has no turns
	syscall.CloseOnExec(turnsOutFD)
	return serveChild(suite, os.Stdin, out, handover{turnsInFD, turnsOutFD}, printed, func() {
		time.AfterFunc(orphanGrace, func() { os.Exit(exitFailed) })
	})
}

// signalEcho is how long one signal may arrive a second time: timeout(1) signals its child and
// then its whole group.
const signalEcho = 100 * time.Millisecond

// listen has signals come on a channel. What whoever started the program ignores stays ignored:
// nohup ignores hangups. A closed pipe on stdout is an error like others; it must not end the
// program while children are at work.
func listen(on []os.Signal) <-chan os.Signal {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	for _, s := range on {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	return signals
}

// stopOnInterrupt ends the run in good order on the first Ctrl-C, and at once on the
// second. Neither leaves anything behind.
func (p program) stopOnInterrupt(cancel context.CancelCauseFunc, signals <-chan os.Signal) {
	cancel(fmt.Errorf("stopped by signal: %v", <-signals))
	for first := time.Now(); time.Since(first) < signalEcho; {
		<-signals
	}
	kept := p.left.halt(p.name)
	if err := p.left.sweep(); err != nil {
		fmt.Fprintf(p.stderr, "%s: left behind: %v\n", p.name, err)
	}
	fmt.Fprintf(p.stderr, "%s: stopped at once%s\n", p.name, kept)
	os.Exit(exitFailed)
}

// main runs one command.
func (p program) main(ctx context.Context, args []string) int {
	if len(args) == 0 {
		p.printHelp(p.stderr, "")
		return exitUsage
	}
	name, rest := args[0], args[1:]
	switch name {
	case "run":
		return p.run(ctx, rest)
	case "count":
		return p.count(ctx, rest)
	case "gate":
		return p.gate(rest)
	case "report":
		return p.report(rest)
	case "verify":
		return p.verify(rest)
	case "compare":
		return p.compare(rest)
	case "list":
		return p.plain("list", rest, p.list)
	case "selfcheck":
		return p.selfcheck(ctx, rest)
	case "version", "-version", "--version":
		return p.plain("version", rest, p.version)
	case "completion":
		return p.completion(rest)
	case "man":
		return p.plain("man", rest, p.man)
	case "help", "-h", "-help", "--help":
		return p.help(rest)
	}
	for _, c := range p.suite.Commands {
		if c.Name == name {
			return c.Run(ctx, rest, p.stdout, p.stderr)
		}
	}
	return p.fail(unknown("command", name, p.commands()))
}

// commands are all commands, in the order of the help text.
func (p program) commands() []string {
	names := slices.Clone(commandNames)
	for _, c := range p.suite.Commands {
		names = append(names, c.Name)
	}
	return names
}

// plain runs a command that takes names and no flags.
func (p program) plain(name string, args []string, do func(names []string) error) int {
	names, err := parseAnywhere(command.Flags(name), args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, name)
		return exitPass
	}
	if err == nil {
		err = do(names)
	}
	if err != nil {
		return p.fail(err)
	}
	return exitPass
}

func (p program) help(args []string) int {
	names, err := parseAnywhere(command.Flags("help"), args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return p.fail(err)
	}
	name := ""
	if len(names) > 0 {
		name = names[0]
	}
	if name == "gate" {
		return p.gate([]string{"-h"})
	}
	for _, c := range p.suite.Commands {
		if c.Name == name {
			return c.Run(context.Background(), []string{"-h"}, p.stdout, p.stderr)
		}
	}
	if _, found := helps[name]; !found {
		return p.fail(unknown("command", name, p.commands()))
	}
	p.printHelp(p.stdout, name)
	return exitPass
}

// gate gives package ci the names that budgets may use; it does the rest.
func (p program) gate(args []string) int {
	gate := ci.Gate{Env: os.Getenv, Can: p.suite.can}
	for _, s := range p.suite.Scenarios {
		gate.Scenarios = append(gate.Scenarios, s.Name)
		for _, arm := range s.Arms {
			gate.Styles = append(gate.Styles, arm.Name)
		}
	}
	for _, s := range p.suite.Styles {
		gate.Styles = append(gate.Styles, s.Name)
	}
	return gate.Main(args, p.stdout, p.stderr)
}

// fail prints the error. The exit code says whether the user can correct it.
func (p program) fail(err error) int {
	fmt.Fprintf(p.stderr, "%s: %s\n", p.name, results.Reason(err))
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// halfWritten begins the name of a file that reports has not finished yet.
const halfWritten = ".tmp-"

// leftovers must be gone when the program ends, even in a hurry: processes and their
// folder.
type leftovers struct {
	mu        sync.Mutex
	processes map[*process]bool
	folder    folder // of the run
	record    *record
}

func (l *leftovers) add(p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.processes == nil {
		l.processes = map[*process]bool{}
	}
	l.processes[p] = true
}

func (l *leftovers) drop(p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.processes, p)
}

func (l *leftovers) in(f folder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folder = f
}

func (l *leftovers) keep(r *record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.record = r
}

// clear kills the processes and removes the folder.
func (l *leftovers) clear() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.processes {
		p.kill()
	}
	if l.folder.work == "" {
		return nil
	}
	return os.RemoveAll(l.folder.work)
}

// sweep clears and also removes half-written files. It is for an end in a hurry; rendering
// itself removes them otherwise.
func (l *leftovers) sweep() error {
	err := l.clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.folder.path == "" {
		return err
	}
	return errors.Join(err, removeHalfWritten(l.folder.path))
}

// halt keeps run and report from writing any more, and says what is kept. A file of the
// report that a slow disk delays is removed.
func (l *leftovers) halt(program string) (kept string) {
	l.mu.Lock()
	record, show := l.record, l.folder.show
	l.mu.Unlock()
	halted := make(chan int, 1)
	go func() {
		results.Halt()
		halted <- record.halt()
	}()
	some := "what was measured"
	select {
	case n := <-halted:
		some = plural(n, "block")
	case <-time.After(2 * time.Second):
	}
	if record == nil {
		return ""
	}
	return fmt.Sprintf(". %s keeps %s: %s report %s renders it", filepath.Join(show, rawName), some, program, show)
}

func removeHalfWritten(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(entry.Name(), halfWritten) {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) { // it has been finished in between
			return nil
		}
		return err
	})
}
