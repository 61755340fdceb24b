package runner

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"rubato/ci"
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

// A program is the command line with what it stands on.
type program struct {
	suite  Suite
	name   string
	stdout io.Writer
	stderr io.Writer
	limits limits
	left   *leftovers
}

// Main is the whole command line over a suite; args are those after the program's
// name. The result is the exit code. A program that calls it first thing in main
// also serves as the measured child processes, which are started from it.
func Main(suite Suite, args []string) int {
	if len(args) > 0 && args[0] == childCommand {
		return mainChild(withKernel(suite))
	}
	p := program{suite: suite, name: filepath.Base(os.Args[0]), stdout: os.Stdout, stderr: os.Stderr,
		limits: patience, left: &leftovers{}}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go p.heed(cancel)
	return p.main(ctx, args)
}

// mainChild speaks on the real stdout, and sends what else the process prints there
// to stderr: a stray line would break the conversation.
func mainChild(suite Suite) int {
	out := os.Stdout
	os.Stdout = os.Stderr
	return serveChild(suite, os.Stdin, out, func() {
		time.AfterFunc(orphanGrace, func() { os.Exit(exitFailed) })
	})
}

// heed lets the first Ctrl-C end the run in good order, with what it has so far, and
// the second end it at once. Neither leaves anything behind. A closed pipe on stdout
// is an error to be met, not a reason to die with children at work.
func (p program) heed(cancel context.CancelCauseFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	cancel(fmt.Errorf("stopped by signal: %v", <-signals))
	<-signals
	halt()
	if err := p.left.sweep(); err != nil {
		fmt.Fprintf(p.stderr, "%s: left behind: %v\n", p.name, err)
	}
	os.Exit(exitFailed)
}

// main runs one command.
func (p program) main(ctx context.Context, args []string) int {
	if len(args) == 0 {
		p.printHelp(p.stderr, "")
		return exitUsage
	}
	command, rest := args[0], args[1:]
	if command == "-h" || command == "-help" || command == "--help" {
		command = "help"
	}
	switch command {
	case "run":
		return p.run(ctx, rest)
	case "gate":
		return p.gate(rest)
	case "report":
		return p.report(rest)
	case "compare":
		return p.compare(rest)
	case "list":
		return p.plain(command, rest, func() { list(p.stdout, p.suite) })
	case "selfcheck":
		return p.selfcheck(ctx, rest)
	case "version":
		return p.plain(command, rest, p.version)
	case "help":
		return p.help(rest)
	}
	for _, c := range p.suite.Commands {
		if c.Name == command {
			return c.Run(ctx, rest, p.stdout, p.stderr)
		}
	}
	return p.fail(unknown("command", command, p.commands()))
}

// commands are all words that a user may type, in the order of the help text.
func (p program) commands() []string {
	names := slices.Clone(commandNames)
	for _, c := range p.suite.Commands {
		names = append(names, c.Name)
	}
	return names
}

// plain runs a command that takes no arguments.
func (p program) plain(command string, args []string, do func()) int {
	names, err := parseAnywhere(newFlags(command), args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, command)
		return exitPass
	}
	if err == nil && len(names) > 0 {
		err = usagef("%s takes no arguments, not %q", command, names)
	}
	if err != nil {
		return p.fail(err)
	}
	do()
	return exitPass
}

func (p program) help(args []string) int {
	names, err := parseAnywhere(newFlags("help"), args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return p.fail(err)
	}
	command := ""
	if len(names) > 0 {
		command = names[0]
	}
	if command == "gate" {
		return p.gate([]string{"-h"})
	}
	for _, c := range p.suite.Commands {
		if c.Name == command {
			return c.Run(context.Background(), []string{"-h"}, p.stdout, p.stderr)
		}
	}
	if _, found := helps[command]; !found {
		return p.fail(unknown("command", command, p.commands()))
	}
	p.printHelp(p.stdout, command)
	return exitPass
}

// gate leaves the answer to package ci, which gets the names that budgets may use.
func (p program) gate(args []string) int {
	var gate ci.Gate
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

// fail says what went wrong; the exit code tells whether the user can put it right.
func (p program) fail(err error) int {
	fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}
