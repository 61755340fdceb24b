package pi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// One connection does everything: a shell script asks what the device is and takes the binary,
// then becomes that binary, which answers requests (agent.go). So a password is asked for once
// a connection, and no second connection can fail on its own.

// mark begins each line from the device that is meant for us. A login shell may print others.
const mark = "rubato-pi "

// bootstrap is what the device runs: nothing that BusyBox lacks, no bash, and no exclamation mark or
// backslash, which some login shells change in quotes. It writes nothing before it is told a name.
// $d is the folder. A half copied binary stays when the connection breaks, and goes when the disk is full.
const bootstrap = `m=rubato-pi; echo; echo "$m system $(uname -s -m)"
read -r name || exit 0
umask 077
if mkdir -p "$d" && cd "$d"; then :; else echo "$m fault folder"; exit 0; fi
if [ -x "$name" ]; then :; else
if echo "exit 0" >.try && chmod 700 .try; then :; else rm -f .try; echo "$m fault folder"; exit 0; fi
if ./.try; then rm -f .try; else rm -f .try; echo "$m fault program"; exit 0; fi
have=0; if [ -f "$name.part" ]; then have=$(wc -c <"$name.part"); fi
echo "$m have" $have $(df -Pk . | tail -n 1)
read -r rest sent || exit 0
if [ "$rest" -eq "$sent" ]; then rm -f "$name.part"; fi
if head -c "$rest" >>"$name.part"; then :; else rm -f "$name.part"; echo "$m fault full"; exit 0; fi
if [ $(wc -c <"$name.part") -eq "$sent" ]; then :; else exit 0; fi
if gzip -dc <"$name.part" >"$name.new"; then :; else rm -f "$name.part" "$name.new"; echo "$m fault copy"; exit 0; fi
rm -f "$name.part"; chmod 700 "$name.new"; mv "$name.new" "$name"
fi
echo "$m ready"
exec "./$name" pi -agent`

// quote makes a word that every POSIX shell reads unchanged. NUL cannot be in a word.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// remoteCommand is what ssh has the device run. The login shell there may be of any kind, so it only
// starts sh.
func remoteCommand(folder string) string {
	where := quote(folder)
	if !strings.HasPrefix(folder, "/") {
		where = `"$HOME"/` + where
	}
	return "exec sh -c " + quote("d="+where+"; "+bootstrap)
}

// hosts are names and addresses that are safe wherever ssh's configuration puts them: ProxyCommand
// and Match exec give them to a shell.
var hosts = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.+-]*@)?[A-Za-z0-9_:\[][A-Za-z0-9_.:%\]-]*$`)

func checkHost(host string) error {
	if !hosts.MatchString(host) {
		return fmt.Errorf("%q is no host: want USER@HOST with letters, digits and . _ - : %%; for anything else name the host in ~/.ssh/config", host)
	}
	return nil
}

// errLost is a connection that broke after it had worked.
var errLost = errors.New("the connection broke")

// A session is a connection to a device whose agent answers.
type session struct {
	ssh   *exec.Cmd
	in    io.WriteCloser
	lines chan string // what follows the mark; closed at the end
	ended chan struct{}
}

// open starts ssh. A local shell makes it ignore Ctrl-C, which a terminal sends to all: the
// first interrupt is for the run. ssh stays in our process group, so it can ask for a password.
func open(ctx context.Context, host string, options []string, folder string, stderr io.Writer) (*session, error) {
	args := []string{"-c", `trap "" INT; exec ssh "$@"`, "ssh", "-T"}
	for _, o := range options {
		args = append(args, "-o", o) // the first value of an option counts, so these win
	}
	args = append(args, "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "--", host, remoteCommand(folder))
	s := &session{ssh: exec.CommandContext(ctx, "/bin/sh", args...), lines: make(chan string), ended: make(chan struct{})}
	s.ssh.Stderr = stderr
	s.ssh.WaitDelay = time.Second // a connection that ssh shares in the background may keep stderr open
	var err error
	if s.in, err = s.ssh.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.ssh.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.ssh.Start(); err != nil {
		return nil, fmt.Errorf("starting ssh: %w", err)
	}
	go func() {
		defer close(s.lines)
		text := bufio.NewScanner(out)
		text.Buffer(nil, 1<<20) // the agent's lines are far shorter
		for text.Scan() {
			if line, ours := strings.CutPrefix(text.Text(), mark); ours {
				select {
				case s.lines <- line:
				case <-s.ended:
					return
				}
			}
		}
	}()
	return s, nil
}

// close ends the connection. The agent ends with its stdin.
func (s *session) close() {
	_ = s.in.Close() // it may have broken before
	close(s.ended)
	kill := time.AfterFunc(2*time.Second, func() { _ = s.ssh.Process.Kill() })
	defer kill.Stop()
	_ = s.ssh.Wait() // how it ended is told by what it answered
}

// line is the next one of ours; an interrupt ends the wait.
func (s *session) line(interrupt <-chan os.Signal) (string, error) {
	select {
	case line, more := <-s.lines:
		if !more {
			return "", errLost
		}
		return line, nil
	case <-interrupt:
		return "", errInterrupted
	}
}

// faults are what the script may say instead of going on.
var faults = map[string]string{
	"folder":  "cannot make its folder or write to it; name one that you may write to with -dir",
	"program": "forbids programs in that folder (noexec); name another with -dir",
	"full":    "has no room for the binary: its disk is full, and the half copied file is removed",
	"copy":    "has a damaged copy of the binary, which is removed; try again",
}

// shake is the script's side of the opening: it asks for the system, carries the binary if the
// device lacks it, and returns when the agent can be asked.
func (s *session) shake(interrupt <-chan os.Signal, find func(system string) (*binary, error), say func(string, ...any)) error {
	line, err := s.line(interrupt)
	if err != nil {
		return err
	}
	system, _ := strings.CutPrefix(line, "system ")
	b, err := find(system)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.in, b.name); err != nil {
		return errLost
	}
	for {
		if line, err = s.line(interrupt); err != nil {
			return err
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "ready":
			return nil
		case "fault":
			return deviceError(faults[rest])
		case "have":
			if err := s.carry(b, strings.Fields(rest), interrupt, say); err != nil {
				return err
			}
		}
	}
}

// spare is what must stay free on the device beside the binary, for results and stores.
const spare = 64 << 20

// carry sends what the device lacks of the binary; fields are the bytes it has, and df's line.
func (s *session) carry(b *binary, fields []string, interrupt <-chan os.Signal, say func(string, ...any)) error {
	if len(fields) == 0 {
		return deviceError("does not say what it has")
	}
	have, err := strconv.Atoi(fields[0])
	if err != nil {
		return deviceError("does not say what it has")
	}
	if err := b.pack(); err != nil {
		return err
	}
	if have < 0 || have > len(b.packed) {
		have = 0 // it is no part of this one
	}
	if len(fields) >= 5 {
		free, err := strconv.ParseInt(fields[4], 10, 64)
		if need := b.size + int64(len(b.packed)-have) + spare; err == nil && free<<10 < need {
			return deviceError(fmt.Sprintf("has %d MB free in that folder; it takes %d MB: make room, or name another folder with -dir", free>>10, need>>20))
		}
	}
	from := ""
	if have > 0 {
		from = fmt.Sprintf(", from byte %d on", have)
	}
	say("copying %s: %d MB%s", b.path, (len(b.packed)-have)>>20, from)
	if _, err := fmt.Fprintln(s.in, len(b.packed)-have, len(b.packed)); err != nil {
		return errLost
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = s.in.Write(b.packed[have:]) // the script says why it went, if it could
	}()
	select {
	case <-sent:
		return nil
	case <-interrupt:
		return errInterrupted
	}
}

// ask sends a request to the agent.
func (s *session) ask(r request) error {
	if err := json.NewEncoder(s.in).Encode(r); err != nil {
		return errLost
	}
	return nil
}

// next is the next answer of the agent.
func (s *session) next(interrupt <-chan os.Signal) (answer, error) {
	line, err := s.line(interrupt)
	if err != nil {
		return answer{}, err
	}
	return decode(line)
}

func decode(line string) (a answer, err error) {
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		return answer{}, deviceError("answers with what is no answer: " + err.Error())
	}
	if a.Failed != "" {
		return a, deviceError(a.Failed)
	}
	return a, nil
}

// A deviceError is what the device cannot do, in words that follow its name.
type deviceError string

func (e deviceError) Error() string { return string(e) }
