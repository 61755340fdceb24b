package natsbus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/player"
)

// The server in a process of its own: this program once more, under a hidden command. It
// reads JSON lines on stdin and answers each with one on stdout: first whom to serve, then
// questions for its counters. It ends when stdin does, so it never outlives its starter.
// Passwords are on no command line and in no environment.
//
// A monitoring port or a system account could tell the counters, too. But a port is open to
// every program of the machine, and an account is one more password.

// ServerCommand is the hidden command.
const ServerCommand = "nats-server"

const (
	// linksWait bounds an answer of the process.
	linksWait = 5 * time.Second
	// endWait is how long the process may take to end before it is killed.
	endWait = 5 * time.Second
)

// served is what the process is told first.
type served struct {
	Users  []*server.User `json:"users"`
	Folder string         `json:"folder,omitempty"` // for streams, which its starter makes and removes; "": no JetStream
}

// told is a line of a process: the server's, or a module's (split.go).
type told struct {
	URL   string        `json:"url,omitempty"`
	ID    string        `json:"id,omitempty"`
	Links []player.Link `json:"links,omitempty"`
	Error string        `json:"error,omitempty"`
	Code  player.Code   `json:"code,omitempty"` // of Error

	moduleTold
}

// Serve is the hidden command: it serves until in ends, and returns the exit code.
func Serve(in io.Reader, out io.Writer) int {
	signal.Ignore(os.Interrupt, syscall.SIGHUP) // its starter ends in good order, and then it does
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	var to served
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &to)
	}
	var s *server.Server
	if err == nil && len(to.Users) == 0 {
		err = errors.New("it is told of no user")
	}
	if err == nil {
		s, err = startServer("tcp", server.RANDOM_PORT, to.Users...)
	}
	if err == nil && to.Folder != "" {
		if err = keepStreams(s, to.Folder); err != nil {
			stopServer(s)
		}
	}
	if err != nil {
		_ = answers.Encode(told{Error: err.Error()})
		return 5
	}
	defer stopServer(s)
	for answer := (told{URL: s.ClientURL(), ID: s.ID()}); ; answer = counted(s) {
		if err := answers.Encode(answer); err != nil {
			return 5
		}
		if _, err := lines.ReadBytes('\n'); err != nil {
			return 0
		}
	}
}

func counted(s *server.Server) told {
	links, err := linksOf(s)
	if err != nil {
		return told{Error: err.Error()}
	}
	return told{Links: links}
}

// spawned is a process of this program, as its starter sees it.
type spawned struct {
	what    string // "the NATS server"
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended and was waited for

	mu     sync.Mutex // one question at a time
	input  io.WriteCloser
	output *os.File
	lines  *bufio.Reader
}

// spawn starts the program once more, under a hidden command.
func spawn(what, command string) (*spawned, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program to start it as %s: %w", what, err)
	}
	theirs, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	out, their, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	defer their.Close()
	p := &spawned{what: what, command: exec.Command(program, command), ended: make(chan struct{}), input: in, output: out, lines: bufio.NewReader(out)}
	p.command.Stdin, p.command.Stdout, p.command.Stderr = theirs, their, os.Stderr
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s's process: %w", what, err), in.Close(), out.Close())
	}
	go func() {
		_ = p.command.Wait() // ProcessState says how it ended
		close(p.ended)
	}()
	return p, nil
}

// ask sends a line and reads the answer.
func (p *spawned) ask(question any, wait time.Duration) (answer told, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := fmt.Sprintf("%s's process %d", p.what, p.command.Process.Pid)
	line, err := json.Marshal(question)
	if err == nil {
		err = p.output.SetReadDeadline(time.Now().Add(wait))
	}
	if err == nil {
		_, err = p.input.Write(append(line, '\n'))
	}
	if err != nil {
		return told{}, fmt.Errorf("%s does not listen: %w", who, err)
	}
	if line, err = p.lines.ReadBytes('\n'); errors.Is(err, io.EOF) {
		return told{}, fmt.Errorf("%s has ended%s", who, p.ending())
	} else if err != nil {
		return told{}, fmt.Errorf("%s does not answer: %w", who, err)
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &answer); err != nil {
		return told{}, fmt.Errorf("%s answers %.80q: does this program know the command %s?", who, line, p.command.Args[1])
	}
	switch {
	case answer.Code != "":
		err = &player.Error{Code: answer.Code, Op: p.what, Err: errors.New(answer.Error)}
	case answer.Error != "":
		err = errors.New(answer.Error)
	}
	return answer, err
}

// ending says how the process has ended, if that is known in time.
func (p *spawned) ending() string {
	select {
	case <-p.ended:
		return fmt.Sprintf(" (%v)", p.command.ProcessState)
	case <-time.After(endWait):
		return ""
	}
}

// end ends the process, and returns when it is gone.
func (p *spawned) end() {
	_ = p.input.Close() // which ends it
	late := time.AfterFunc(endWait, func() { _ = p.command.Process.Kill() })
	<-p.ended // how it ends does not matter
	late.Stop()
	_ = p.output.Close()
}

// process is a server in a process of its own.
type process struct {
	*spawned // nil: another process has started it
	users    map[string]*server.User
	url, id  string
	folder   string // of streams; ends with this
}

// startProcess starts a server that lets only these users in.
func startProcess(of player.Placement, users map[string]*server.User) (*process, error) {
	if err := loopback("127.0.0.1"); err != nil {
		return nil, err
	}
	child, err := spawn("the NATS server", ServerCommand)
	if err != nil {
		return nil, err
	}
	p := &process{spawned: child, users: users}
	var hello told
	if p.folder, err = streamFolder(of.Dir, of.Delivery); err == nil {
		hello, err = p.ask(served{slices.Collect(maps.Values(users)), p.folder}, startWait+time.Second)
	}
	if err != nil {
		_ = p.close()
		return nil, fmt.Errorf("start the NATS server's process: %w", err)
	}
	p.url, p.id = hello.URL, hello.ID
	return p, nil
}

func (p *process) connect(module string, timeout time.Duration, _ bool, more ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(p.url, append(seatOf(p.users[module], timeout), more...)...)
}

func (p *process) links() ([]player.Link, error) {
	answer, err := p.ask("links", linksWait)
	return answer.Links, err
}

func (p *process) counter() string                { return "its server" }
func (p *process) where() (pid int, id string)    { return p.command.Process.Pid, p.id }
func (p *process) facts(*nats.Conn) []player.Fact { return nil }

// close ends the process, and returns when it is gone.
func (p *process) close() error {
	p.end()
	if p.folder == "" {
		return nil
	}
	return os.RemoveAll(p.folder)
}
