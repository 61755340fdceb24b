package pi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"rubato/results"
)

// A client is the side of the command.
type client struct {
	asking
	ctx            context.Context
	stdout, stderr io.Writer
	interrupts     <-chan os.Signal
	session        *session
	binary         *binary
	machine        *results.Machine
	patience       patience
	started        bool  // there is a run on the device
	asked          int   // interrupts so far
	at             int64 // bytes of the log that have come
}

// A patience is how long a broken connection is tried again, and how long it waits between: each
// time twice as long.
type patience struct{ all, first, most time.Duration }

var tenMinutes = patience{10 * time.Minute, time.Second, 30 * time.Second}

var (
	errInterrupted = errors.New("stopped by a signal")
	errLeft        = errors.New("the run goes on, and its results stay there; bring them with")
)

func (c *client) say(format string, args ...any) {
	fmt.Fprintf(c.stderr, "rubato: "+format+"\n", args...)
}

// named says whose fault it is.
func (c *client) named(err error) error {
	var device deviceError
	switch {
	case errors.As(err, &device):
		return fmt.Errorf("%s %w", c.host, err)
	case errors.Is(err, errLeft):
		return fmt.Errorf("%w: %s", err, c.later())
	}
	return err
}

// later is how the results are brought another time.
func (c *client) later() string {
	words := []string{"rubato pi -collect"}
	for _, o := range c.options {
		words = append(words, "-o", o)
	}
	if c.dir != ".cache/rubato" {
		words = append(words, "-dir", quote(c.dir))
	}
	return strings.Join(append(words, c.host), " ")
}

func (c *client) do() (int, error) {
	defer func() {
		if c.session != nil {
			c.session.close()
		}
	}()
	if err := c.keepTrying(c.connect); err != nil {
		return 0, err
	}
	if err := c.checkDevice(); err != nil || c.check {
		return 0, err
	}
	if c.collect {
		return c.collectAll()
	}
	r := request{Do: "start", Run: time.Now().UTC().Format("20060102T150405Z-") + fmt.Sprintf("%04x", rand.IntN(1<<16)), Args: c.run}
	if len(r.Args) == 0 {
		r.Args = profileArgs
	}
	if c.machine.Memory < smallMemory {
		r.Env = []string{limitEnv}
	}
	c.started = true // perhaps, if its answer is lost: asking again starts no second one
	if err := c.keepTrying(func() error { _, err := c.exchange(r, nil); return err }); err != nil {
		return 0, err
	}
	return c.bring(r.Run)
}

// connect opens the connection and carries the binary, if the device lacks it.
func (c *client) connect() error {
	s, err := open(c.ctx, c.host, c.options, c.dir, c.stderr)
	if err != nil {
		return err
	}
	reached := false
	err = s.shake(c.interrupts, func(system string) (b *binary, err error) {
		if reached = true; c.binary != nil {
			return c.binary, nil
		}
		if c.asking.binary != "" {
			b, err = load(c.asking.binary)
		} else {
			b, err = find(system, c.stderr)
		}
		c.binary = b
		return b, err
	}, c.say)
	if err == nil {
		c.session = s
		return nil
	}
	s.close()
	if errors.Is(err, errLost) && !reached {
		return fmt.Errorf("cannot log in to %s; try it by hand: ssh %s", c.host, c.host)
	}
	return err
}

// keepTrying does what needs the connection, and connects again when that breaks.
func (c *client) keepTrying(do func() error) error {
	for {
		err := do()
		if !errors.Is(err, errLost) {
			return err
		}
		if err := c.reconnect(); err != nil {
			return err
		}
	}
}

func (c *client) reconnect() error {
	if c.session != nil {
		c.session.close()
		c.session = nil
	}
	c.say("the connection to %s broke; connecting again", c.host)
	p := c.patience
	for wait, end := p.first, time.Now().Add(p.all); time.Now().Before(end); wait = min(2*wait, p.most) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.interrupts:
			if timer.Stop(); c.interrupted() {
				return errLeft
			}
		}
		err := c.connect()
		if err == nil {
			return nil
		}
		if errors.Is(err, errInterrupted) && c.interrupted() {
			return errLeft
		}
	}
	if !c.started {
		return fmt.Errorf("%s cannot be reached any more; nothing was started there", c.host)
	}
	return fmt.Errorf("%s cannot be reached any more. %w", c.host, errLeft)
}

// interrupted counts, and reports whether to leave.
func (c *client) interrupted() bool {
	c.asked++
	switch c.asked {
	case 1:
		c.say("stopping the run on %s; what it has measured will be brought here. A second interrupt kills it", c.host)
	case 2:
		c.say("killing the run on %s; what there is will be brought here. A third interrupt leaves", c.host)
	}
	return c.asked > 2
}

// exchange asks, and returns the last answer. Without interrupts they wait for what comes next.
func (c *client) exchange(r request, interrupts <-chan os.Signal) (answer, error) {
	if err := c.session.ask(r); err != nil {
		return answer{}, err
	}
	for {
		a, err := c.session.next(interrupts)
		if err != nil || a.End {
			return a, err
		}
	}
}

// collectAll brings every run on the device, the oldest first.
func (c *client) collectAll() (exit int, err error) {
	a, err := c.exchange(request{Do: "list"}, c.interrupts)
	if err != nil {
		return 0, err
	}
	if len(a.Runs) == 0 {
		return 0, deviceError("has no results of runs in " + c.dir)
	}
	c.started = true
	for _, s := range a.Runs {
		c.say("run %s: %s", s.Run, strings.Join(append([]string{"rubato run"}, s.Args...), " "))
		if exit, err = c.bring(s.Run); err != nil {
			return exit, err
		}
	}
	return exit, nil
}

// bring follows a run to its end, fetches the results and has the device forget them.
func (c *client) bring(run string) (int, error) {
	c.at = 0
	var end state
	err := c.keepTrying(func() (err error) { end, err = c.follow(run); return err })
	if err != nil {
		return 0, err
	}
	exit := c.tell(end)
	into := ""
	if end.Results {
		if into, err = c.fetch(run); err != nil {
			return exit, err
		}
	} else if _, err := c.exchange(request{Do: "forget", Run: run}, nil); err != nil && !errors.Is(err, errLost) {
		return exit, err
	}
	fmt.Fprint(c.stdout, end.Answer)
	if into == "" {
		if exit == exitPass {
			return exit, deviceError("has no results of that run")
		}
		return exit, nil
	}
	fmt.Fprintf(c.stdout, "results: %s\n", into)
	c.beside(into)
	return exit, nil
}

// follow prints the log from where it stopped until the run has ended.
func (c *client) follow(run string) (state, error) {
	for i, do := range []string{"stop", "kill"} {
		if c.asked == i+1 { // it may not have heard
			if err := c.session.ask(request{Do: do, Run: run}); err != nil {
				return state{}, err
			}
		}
	}
	if err := c.session.ask(request{Do: "follow", Run: run, At: c.at}); err != nil {
		return state{}, err
	}
	for {
		a, err := c.session.next(c.interrupts)
		switch {
		case errors.Is(err, errInterrupted):
			if c.interrupted() {
				return state{}, errLeft
			}
			if err := c.session.ask(request{Do: []string{"stop", "kill"}[c.asked-1], Run: run}); err != nil {
				return state{}, err
			}
		case err != nil:
			return state{}, err
		case a.End && len(a.Runs) == 1:
			return a.Runs[0], nil
		default:
			c.at += int64(len(a.Data))
			_, _ = c.stderr.Write(a.Data) // a terminal that went away does not end the run
		}
	}
}

// tell says how a run ended, unless it did so itself, and is the exit code.
func (c *client) tell(s state) int {
	e := s.Ended
	switch {
	case e == nil:
		c.say("the run on %s ended without an exit code: the device restarted or lost power, or its system ended all of it", c.host)
		return exitFailed
	case e.OOM > 0:
		c.say("%s has too little memory: its kernel killed %d of the processes during the run; try fewer scenarios or styles", c.host, e.OOM)
	case e.Signal != "" && !e.Asked:
		c.say("something on %s ended the run (%s). Too little memory is the usual reason; dmesg there says more", c.host, e.Signal)
	}
	if e.Signal != "" {
		return exitFailed
	}
	return e.Code
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.-]`)

// fetch brings the results of a run that has ended, and has the device forget it once they are
// here and durable.
func (c *client) fetch(run string) (into string, err error) {
	_, name, named := strings.Cut(c.host, "@")
	if !named {
		name = c.host
	}
	p, err := newParcel(filepath.Join("out", "pi-"+notInNames.ReplaceAllString(name, "_")+"-"+run))
	if err != nil {
		return "", err
	}
	defer p.drop()
	sum := ""
	receive := func() error {
		if err := c.session.ask(request{Do: "send", Run: run, At: p.size()}); err != nil {
			return err
		}
		for {
			a, err := c.session.next(c.interrupts)
			if errors.Is(err, errInterrupted) {
				return fmt.Errorf("fetching was stopped: %w", errLeft)
			}
			if err != nil {
				return err
			}
			if _, err := p.file.Write(a.Data); err != nil {
				return err
			}
			if a.End {
				sum = a.Sum
				return nil
			}
		}
	}
	for range 2 {
		if err = c.keepTrying(receive); err == nil {
			err = p.unpack(sum)
		}
		if !errors.Is(err, errChecksum) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	if err := c.keepTrying(func() error { _, err := c.exchange(request{Do: "forget", Run: run, Sum: sum}, nil); return err }); err != nil {
		c.say("the results are here, and still on %s, too: %v", c.host, err)
	}
	return p.into, nil
}
