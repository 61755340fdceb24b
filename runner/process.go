package runner

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/results"
	"rubato/runner/host"
)

// A process is the runner's side of a child. Every wait on it is bounded. Its whole process
// group is gone when end returns.
type process struct {
	name    string // for errors: scenario and style
	command *exec.Cmd
	input   io.WriteCloser
	turns   *turnPipes
	replies chan reply
	ended   chan struct{} // closed when it has ended and was waited for
	said    *excerpt
}

// start runs a program as a child, with the suite's arguments before the runner's. Its temporary
// files go to temp.
func start(program *build, arguments []string, name, temp string, stderr io.Writer) (*process, error) {
	path, err := program.file()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, command: exec.Command(path, childArguments(arguments)...),
		replies: make(chan reply), ended: make(chan struct{}), said: newExcerpt(name, stderr)}
	p.command.Env = append(os.Environ(), "TMPDIR="+temp,
		"GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)), "GOGC="+host.GOGC())
	p.command.SysProcAttr = host.ChildAttributes()
	p.command.Stderr = p.said
	p.command.WaitDelay = time.Second // for what its own children may hold open
	if p.turns, err = newTurnPipes(); err != nil {
		return nil, fmt.Errorf("%s: making the pipes for its turns: %w", name, err)
	}
	defer p.turns.started()
	p.command.ExtraFiles = p.turns.theirs
	if p.input, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("%s: starting its process: %w", name, err)
	}
	go p.listen(output)
	return p, nil
}

// listen passes replies on until the child is gone, then cleans up.
func (p *process) listen(output io.Reader) {
	defer close(p.ended)
	input := newLines(output, maxLine)
	for {
		var answer reply
		if err := input.next(&answer); err != nil {
			if !errors.Is(err, io.EOF) {
				p.said.note(err.Error())
			}
			break
		}
		p.replies <- answer
	}
	p.kill() // ends what the child has started; its id is still its own before Wait
	_ = p.command.Wait()
	p.turns.close()
}

// kill ends the child and all that it has started.
func (p *process) kill() { host.KillChild(p.command.Process.Pid) }

// ask sends a request and waits for its reply.
func (p *process) ask(ctx context.Context, r request, wait time.Duration) (reply, error) {
	if err := p.send(ctx, r); err != nil {
		return reply{}, err
	}
	return p.await(ctx, r.Do, wait)
}

// send sends a request, whose reply await waits for.
func (p *process) send(ctx context.Context, r request) error {
	if err := writeLine(p.input, r); err != nil {
		return p.gone(ctx, r.Do)
	}
	return nil
}

// await waits for the reply to what was sent.
func (p *process) await(ctx context.Context, doing string, wait time.Duration) (reply, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	select {
	case answer := <-p.replies:
		if answer.Error != "" {
			return reply{}, failed{fmt.Errorf("%s: %s: %s", p.name, doing, answer.Error)}
		}
		return answer, nil
	case <-p.ended:
		return reply{}, p.gone(ctx, doing)
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	case <-deadline.C:
		return reply{}, p.hangs(doing, wait)
	}
}

// hangs says that the child has not answered in time.
func (p *process) hangs(doing string, wait time.Duration) error {
	return lost{fmt.Errorf("%s: no answer to %q within %v: it hangs, or this machine is too slow for it", p.name, doing, wait)}
}

// A failed is the error of a child that could not do what it was asked.
type failed struct{ error }

// A lost is the error of a child that has ended, hangs, or answers for another turn.
type lost struct{ error }

// turn asks for the slice of a turn, or waits until the child is ready for the first.
func (p *process) turn(ctx context.Context, number int, wait time.Duration) (time.Duration, error) {
	wall, err := p.turns.turn(ctx, number, wait)
	switch {
	case err == nil:
		return wall, nil
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.Is(err, errNoTurns):
		if _, err := p.await(ctx, doTrial, wait); err != nil {
			return 0, err
		}
		return 0, lost{fmt.Errorf("%s: it takes no turns and gives no reason", p.name)}
	case errors.Is(err, errTurn):
		return 0, lost{fmt.Errorf("%s: %w", p.name, err)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, p.hangs(doTrial, wait)
	}
	return 0, p.gone(ctx, doTrial)
}

// gone says how the child ended. If the run was stopped, it says that instead: the children
// may get the same signal.
func (p *process) gone(ctx context.Context, doing string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		return lost{fmt.Errorf("%s: its process does not listen any more, during %q", p.name, doing)}
	}
	err := fmt.Errorf("%s: its process ended during %q (%v)", p.name, doing, p.command.ProcessState)
	if last := p.said.reason(); last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	return lost{err}
}

// end closes the child's stdin, which ends it. It kills the child if that takes too long.
func (p *process) end(wait time.Duration) {
	_ = p.input.Close()
	p.drain(wait)
	select {
	case <-p.ended:
		return
	default:
	}
	p.kill()
	p.drain(time.Minute)
}

// drain discards late replies until the child is gone or the time is up.
func (p *process) drain(wait time.Duration) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		select {
		case <-p.replies:
		case <-p.ended:
			return
		case <-deadline.C:
			return
		}
	}
}

// The runner speaks to a child in JSON lines: one request on its stdin, one reply
// on its stdout, never two under way.

// maxLine bounds a line: the longest is the reply with a verbatim transcript.
const maxLine = 64 << 20

// The requests to a child.
const (
	doPrepare  = "prepare" // fill Setup.Shared
	doScript   = "script"  // open a workload of its own, run the transcript, close it
	doOpen     = "open"
	doBlock    = "block"
	doTrial    = "trial"   // Slices in turns; the turns are handed over on pipes
	doWitness  = "witness" // a script's length of stimuli, all looked at; then the network is taken away
	doDrive    = "drive"   // block after block for a time, with a profile if asked for
	doUsage    = "usage"
	doSlowdown = "slowdown" // delay each operation by Wall
	doDuty     = "duty"     // a known load, of Share of a core for Wall
	doClose    = "close"
)

type request struct {
	Do       string        `json:"do"`
	Protocol int           `json:"protocol,omitempty"` // with a setup
	Scenario string        `json:"scenario,omitempty"`
	Setup    *Setup        `json:"setup,omitempty"`
	First    int           `json:"first,omitempty"`
	N        int           `json:"n,omitempty"`
	Slices   slicing       `json:"slices,omitzero"`   // trial
	Held     bool          `json:"held,omitempty"`    // trial: to count when it is told; a child of an older revision counts at once
	Wall     time.Duration `json:"wall,omitempty"`    // drive: at most so long; slowdown: so much
	CPU      time.Duration `json:"cpu,omitempty"`     // drive: or until so much is used; 0: no limit
	Profile  string        `json:"profile,omitempty"` // drive, trial: path without -cpu.pb.gz
	Share    float64       `json:"share,omitempty"`   // duty: of a core
}

type reply struct {
	Error  string         `json:"error,omitempty"`
	Speaks int            `json:"protocol,omitempty"` // when a setup was asked for
	Wrong  string         `json:"wrong,omitempty"`    // why the work is not what it must be
	Procs  int            `json:"procs,omitempty"`    // GOMAXPROCS
	GOGC   int            `json:"gogc,omitempty"`
	Work   *Work          `json:"work,omitempty"`
	Block  *results.Block `json:"block,omitempty"`
	Window *window        `json:"window,omitempty"`
	Left   int            `json:"left,omitempty"` // goroutines that Close left behind
	Duty   *dutyReading   `json:"duty,omitempty"`

	Settings []Setting     `json:"settings,omitempty"` // of a block
	Ready    time.Duration `json:"ready,omitempty"`    // mean time of making ready for a slice, outside its time
	Least    time.Duration `json:"least,omitempty"`    // that the block can have taken
	Floor    *floorReading `json:"floor,omitempty"`    // of the baseline
}

// A window is CPU time used over a time on the child's own clock.
type window struct {
	Wall time.Duration `json:"wall"`
	CPU  time.Duration `json:"cpu"`
	Ops  int           `json:"ops,omitempty"` // of drive
}

// percent is CPU use in % of one core.
func (w window) percent() float64 {
	if w.Wall <= 0 {
		return 0
	}
	return 100 * float64(w.CPU) / float64(w.Wall)
}

func (w window) since(earlier window) window {
	return window{Wall: w.Wall - earlier.Wall, CPU: w.CPU - earlier.CPU}
}

// lines reads JSON lines of at most limit bytes.
type lines struct{ scanner *bufio.Scanner }

func newLines(r io.Reader, limit int) lines {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, min(limit, 64<<10)), limit)
	return lines{scanner}
}

// next reads one line into v; io.EOF when there is none.
func (l lines) next(v any) error {
	if !l.scanner.Scan() {
		if err := l.scanner.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	if err := json.Unmarshal(l.scanner.Bytes(), v); err != nil {
		return fmt.Errorf("line is not what a runner writes: %w", err)
	}
	return nil
}

// writeLine writes v as one line in one write, so that a line is whole or absent.
func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// How much of a child's stderr is passed on, and kept for the error message.
const (
	maxPassed = 64 << 10
	maxKept   = 4 << 10
)

// An excerpt passes a child's stderr on up to a limit. It keeps the beginning, where a panic
// gives its reason, and the end, where a log does.
type excerpt struct {
	mu     sync.Mutex
	name   string
	to     io.Writer
	passed int
	head   []byte
	tail   []byte
}

func newExcerpt(name string, to io.Writer) *excerpt { return &excerpt{name: name, to: to} }

// Write never fails: a closed terminal must not end a child.
func (e *excerpt) Write(text []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = append(e.head, text[:min(len(text), maxKept-len(e.head))]...)
	e.tail = append(e.tail, text[max(0, len(text)-maxKept):]...)
	e.tail = bytes.Clone(e.tail[max(0, len(e.tail)-maxKept):])
	if e.passed < maxPassed {
		pass := text[:min(len(text), maxPassed-e.passed)]
		e.passed += len(pass)
		_, _ = e.to.Write(pass)
		if e.passed == maxPassed {
			fmt.Fprintf(e.to, "\n%s: says more than %d bytes; the rest is dropped\n", e.name, maxPassed)
		}
	}
	return len(text), nil
}

// note adds a line of the runner's own.
func (e *excerpt) note(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tail = append(e.tail, "\n"+text...)
}

// reason is the line that says why the child ended: that of a panic, else the last.
func (e *excerpt) reason() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for line := range strings.Lines(string(e.head)) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return strings.TrimSpace(line)
		}
	}
	all := strings.TrimSpace(string(e.tail))
	return all[strings.LastIndexByte(all, '\n')+1:]
}
