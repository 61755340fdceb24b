// Package pi measures on a device that is reached by ssh, such as a Raspberry Pi: it carries the
// program there, starts a run that goes on when the connection breaks, follows its log, and
// brings the results here.
//
// It measures nothing itself: the device runs `rubato run`. It uses the system's ssh with its
// configuration. Of the device it wants a POSIX shell, head, wc, df and gzip, as BusyBox has
// them; the rest is the carried program's work (agent.go, supervise.go).
//
// The way through it: pi.go is the command, client.go its conversation with the device, ssh.go a
// connection, fetch.go what is carried each way. agent.go and supervise.go are the device's side.
package pi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"rubato/command"
	"rubato/results"
	"rubato/runner"
)

// Exit codes beside that of the run.
const (
	exitPass   = 0
	exitUsage  = 2
	exitFailed = 5
)

// Command is rubato pi.
func Command() runner.Command {
	return runner.Command{Name: "pi", Doc: "run on a device over ssh, such as a Raspberry Pi, and bring the results", Interrupts: true,
		Run: func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
			return run(ctx, args, stdout, stderr)
		}}
}

const help = `Usage: rubato pi [flags] [USER@]HOST [run flags and scenarios…]

Runs rubato on a device over ssh and brings the results to out/pi-HOST-TIME. All after HOST is
for rubato run there. Without any of it: ` + "`" + profileText + "`" + `.

The run goes on when the connection breaks. rubato pi then connects again, for ten minutes, and
follows the log from where it stopped. Later, -collect brings the results. They stay on the
device until all of them are here. Ctrl-C asks the run to end and brings what it has measured;
a second one kills it and brings what there is; a third leaves, and the results stay there.

  -check           only say what the device is: temperature, throttling, memory, disk, clock
  -collect         bring the results of earlier runs; follows one that is under way
  -dir FOLDER      folder on the device for the program and runs (default .cache/rubato in the
                   home folder). It must be on the disk to measure: /tmp is often in memory
  -compare DIR     the run of this machine to compare ratios with (default out/latest)
  -binary FILE     the program for the device (default: what its architecture needs is built
                   from the source here, or found in bin/pi)
  -o OPTION        an option for ssh, as ssh -o takes it: -o Port=2222; may be repeated.
                   Those in ~/.ssh/config count, too

Examples:
  rubato pi pi@raspberrypi.local
  rubato pi pi@10.0.0.7 queue-low -quick -seed 7
  rubato pi -collect pi@10.0.0.7

Exit codes: that of rubato run there; 2 usage, or a device without a binary, 5 it failed: the
device cannot be reached, is full, or ended the run. docs/pi.md says more.
`

// An asking is the arguments.
type asking struct {
	host, dir, compare, binary string
	collect, check             bool
	options                    []string
	run                        []string // for rubato run
}

// A usageError is one that the user can correct on the command line: exit 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func parse(args []string) (asking, error) {
	var ask asking
	flags := command.Flags("pi")
	flags.BoolVar(&ask.collect, "collect", false, "")
	flags.BoolVar(&ask.check, "check", false, "")
	flags.StringVar(&ask.dir, "dir", ".cache/rubato", "a folder on the device")
	flags.StringVar(&ask.compare, "compare", "", "a folder of a run, such as out/latest")
	flags.StringVar(&ask.binary, "binary", "", "a file, such as bin/pi/rubato-linux-arm64")
	flags.Func("o", "an option for ssh, such as Port=2222", func(o string) error {
		ask.options = append(ask.options, o)
		return nil
	})
	rest, err := command.ParseLeading(flags, args)
	if err != nil {
		return ask, err
	}
	if len(rest) == 0 {
		return ask, usageError{errors.New("rubato pi takes the device, as in: rubato pi pi@raspberrypi.local")}
	}
	ask.host, ask.run = rest[0], rest[1:]
	if err := checkHost(ask.host); err != nil {
		return ask, usageError{err}
	}
	return ask, ask.checked(flags)
}

// checked refuses what cannot be meant.
func (ask asking) checked(flags *flag.FlagSet) error {
	if strings.ContainsAny(ask.dir, "\x00\n") || ask.dir == "" {
		return usageError{fmt.Errorf("-dir %q: want a folder on the device", ask.dir)}
	}
	if (ask.collect || ask.check) && len(ask.run) > 0 {
		return usageError{fmt.Errorf("-collect and -check run nothing: leave %q out", ask.run)}
	}
	for _, a := range ask.run {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		switch {
		case !strings.HasPrefix(a, "-"):
		case name == "h" || name == "help":
			return flag.ErrHelp
		case name == "out":
			return usageError{errors.New("-out is chosen here: results come to out/pi-HOST-TIME")}
		case name == "budgets":
			return usageError{errors.New("-budgets names a file here: leave it out, and ask afterwards: rubato gate -budgets FILE out/pi-HOST-TIME")}
		case flags.Lookup(name) != nil:
			return usageError{fmt.Errorf("-%s is a flag of rubato pi: put it before the host", name)}
		}
	}
	return nil
}

// The profile for a device of 512 MB with a microSD card. One scenario computes, one only
// converses, one writes and syncs: together they say what each style costs there. All keep a small
// library in memory, in each of some four processes. Short windows and profiles, as -quick has
// them, but trials of 60 s: a Pi starts a process in a second, so 5 s would hold too few.
var profileArgs = []string{"-quick", "-time", "60s", "queue-low", "conversation", "message-log"}

const profileText = "-quick -time 60s queue-low conversation message-log"

// smallMemory is what counts as a small device: there each process gets a soft limit of memory.
const smallMemory = 1 << 30

// limitEnv makes the garbage collector keep each process below 64 MiB, where it can. It is the same
// for all arms, and the results name it.
const limitEnv = "GOMEMLIMIT=64MiB"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 { // the device's side
		switch {
		case args[0] == "-agent" && len(args) == 1:
			return code(serveAgent(os.Stdin, os.Stdout), stderr)
		case args[0] == "-supervise" && len(args) == 2:
			return code(supervise(args[1]), stderr)
		}
	}
	ask, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, help)
		return exitPass
	}
	if err != nil {
		fmt.Fprintf(stderr, "rubato: %v\n", err)
		return exitUsage
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	c := &client{asking: ask, ctx: ctx, stdout: stdout, stderr: stderr, interrupts: signals, patience: tenMinutes}
	exit, err := c.do()
	if err != nil {
		return code(c.named(err), stderr)
	}
	return exit
}

// code prints an error, and is the exit code for it.
func code(err error, stderr io.Writer) int {
	if err == nil {
		return exitPass
	}
	fmt.Fprintf(stderr, "rubato: %s\n", results.Reason(err))
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}
