package pi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary is the program that is carried to the device.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pi" {
		os.Exit(run(context.Background(), os.Args[2:], os.Stdout, os.Stderr))
	}
	if len(os.Args) > 3 && os.Args[1] == "run" {
		os.Exit(measures(os.Args[3], os.Args[4:]))
	}
	os.Exit(m.Run())
}

var eaten [][]byte // more memory than a device has

// measures stands for rubato run: it logs a line every 50 ms, and writes results. Its arguments
// say how it ends.
func measures(out string, args []string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	code, lines := 0, 3
	for _, a := range args {
		switch name, value, _ := strings.Cut(a, "="); name {
		case "usage":
			fmt.Fprintf(os.Stderr, "rubato: %q is no scenario\n", args)
			return 2
		case "lines":
			lines, _ = strconv.Atoi(value)
		case "code":
			code, _ = strconv.Atoi(value)
		case "deaf":
			signal.Ignore(os.Interrupt)
		}
	}
	if os.MkdirAll(filepath.Join(out, ".work"), 0o755) != nil || os.WriteFile(filepath.Join(out, "results.jsonl"), bytes.Repeat([]byte("raw\n"), 50_000), 0o644) != nil {
		return 5
	}
	for slices.Contains(args, "eat") {
		eaten = append(eaten, bytes.Repeat([]byte("x"), 1<<20))
	}
	for i := range lines {
		fmt.Fprintf(os.Stderr, "line %d\n", i)
		select {
		case <-stop:
			fmt.Fprintln(os.Stderr, "stopped by signal")
			return 5
		case <-time.After(50 * time.Millisecond):
		}
		if slices.Contains(args, "killed") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	fmt.Println("the answer")
	return code
}

// A device is one that a test can reach over ssh.
type device struct {
	host    string
	home    string // where its folder stands
	options []string
	cut     func(t *testing.T) // ends the connections that there are
	down    func(t *testing.T) // and lets none be made
	up      func(t *testing.T)
}

// output is written by several goroutines.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// waitFor waits until the text is there.
func (o *output) waitFor(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(o.String(), text) }, func() string { return fmt.Sprintf("no %q in\n%s", text, o) })
}

func eventually(t *testing.T, is func() bool, says func() string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(says())
		}
	}
}

// A call is one rubato pi.
type call struct {
	stdout, stderr output
	interrupts     chan os.Signal
	code           int
	done           chan struct{}
}

func (d device) call(t *testing.T, args ...string) *call {
	t.Helper()
	var own []string
	for _, o := range d.options {
		own = append(own, "-o", o)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ask, err := parse(slices.Concat(own, []string{"-dir", filepath.Join(d.home, "a folder"), "-binary", self}, args))
	if err != nil {
		t.Fatal(err)
	}
	k := &call{interrupts: make(chan os.Signal, 4), done: make(chan struct{})}
	c := &client{asking: ask, ctx: t.Context(), stdout: &k.stdout, stderr: &k.stderr, interrupts: k.interrupts,
		patience: patience{10 * time.Second, 50 * time.Millisecond, 200 * time.Millisecond}}
	go func() {
		defer close(k.done)
		var err error
		if k.code, err = c.do(); err != nil {
			k.code = code(c.named(err), &k.stderr)
		}
	}()
	return k
}

// ends waits for the end, which must have this exit code, and returns the folder with the results.
func (k *call) ends(t *testing.T, code int) (results string) {
	t.Helper()
	select {
	case <-k.done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it does not end:\n%s", &k.stderr)
	}
	if k.code != code {
		t.Fatalf("exit %d, want %d:\n%s%s", k.code, code, &k.stderr, &k.stdout)
	}
	_, after, found := strings.Cut(k.stdout.String(), "results: ")
	if !found {
		return ""
	}
	results, _, _ = strings.Cut(after, "\n")
	raw, err := os.ReadFile(filepath.Join(results, "results.jsonl"))
	if err != nil || len(raw) != 200_000 {
		t.Fatalf("%d bytes of results, %v", len(raw), err)
	}
	return results
}

// empty fails if the device keeps a run or half a binary.
func (d device) empty(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"runs/*", "*.part", "*.new", ".try"} {
		if left, _ := filepath.Glob(filepath.Join(d.home, "a folder", pattern)); len(left) > 0 {
			t.Fatalf("left on the device: %q", left)
		}
	}
}

// flows are what every kind of device must pass.
func flows(t *testing.T, d device) {
	t.Chdir(t.TempDir())
	t.Run("a run, and a second without copying", func(t *testing.T) {
		k := d.call(t, d.host, "a b'c\"$HOME;`", "code=3")
		if k.ends(t, 3) == "" || !strings.Contains(k.stderr.String(), "copying") || !strings.Contains(k.stdout.String(), "the answer") {
			t.Fatalf("%s\n%s", &k.stderr, &k.stdout)
		}
		d.empty(t)
		if k = d.call(t, d.host); k.ends(t, 0) == "" || strings.Contains(k.stderr.String(), "copying") {
			t.Fatalf("copied again: %s", &k.stderr)
		}
		d.empty(t)
	})
	t.Run("arguments arrive as they are", func(t *testing.T) {
		k := d.call(t, d.host, "usage", "a b'c\"$HOME;`\n!")
		if k.ends(t, 2); !strings.Contains(k.stderr.String(), `["usage" "a b'c\"$HOME;`+"`"+`\n!"] is no scenario`) {
			t.Fatal(k.stderr.String())
		}
		d.empty(t)
	})
	t.Run("interrupted once", func(t *testing.T) {
		k := d.call(t, d.host, "lines=100000")
		k.stderr.waitFor(t, "line 3\n")
		k.interrupts <- os.Interrupt
		if k.ends(t, 5) == "" || !strings.Contains(k.stderr.String(), "stopped by signal") {
			t.Fatal(k.stderr.String())
		}
		d.empty(t)
	})
	t.Run("interrupted twice", func(t *testing.T) {
		k := d.call(t, d.host, "lines=100000", "deaf")
		k.stderr.waitFor(t, "line 3\n")
		k.interrupts <- os.Interrupt
		k.stderr.waitFor(t, "A second interrupt")
		k.interrupts <- os.Interrupt
		if k.ends(t, 5) == "" || strings.Contains(k.stderr.String(), "memory is") {
			t.Fatal(k.stderr.String())
		}
		d.empty(t)
	})
	t.Run("left by a third interrupt, busy, and collected", func(t *testing.T) {
		k := d.call(t, d.host, "lines=100000")
		k.stderr.waitFor(t, "line 3\n")
		d.down(t)
		k.stderr.waitFor(t, "connecting again")
		for range 3 {
			k.interrupts <- os.Interrupt
		}
		if k.ends(t, 5); !strings.Contains(k.stderr.String(), "the run goes on, and its results stay there; bring them with: rubato pi -collect") {
			t.Fatal(k.stderr.String())
		}
		d.up(t)
		busy := d.call(t, d.host)
		if busy.ends(t, 5); !strings.Contains(busy.stderr.String(), "busy with another run") {
			t.Fatal(busy.stderr.String())
		}
		k = d.call(t, "-collect", d.host)
		k.stderr.waitFor(t, "line 2\n")
		k.interrupts <- os.Interrupt
		if k.ends(t, 5) == "" || !strings.Contains(k.stderr.String(), "stopped by signal") {
			t.Fatal(k.stderr.String())
		}
		d.empty(t)
	})
	t.Run("killed there", func(t *testing.T) {
		k := d.call(t, d.host, "killed")
		if k.ends(t, 5) == "" || !strings.Contains(k.stderr.String(), "something on "+d.host+" ended the run (killed)") {
			t.Fatal(k.stderr.String())
		}
		d.empty(t)
	})
	t.Run("a connection that breaks", func(t *testing.T) {
		k := d.call(t, d.host, "lines=100")
		k.stderr.waitFor(t, "line 5\n")
		d.cut(t)
		k.stderr.waitFor(t, "connecting again")
		if k.ends(t, 0) == "" {
			t.Fatal(k.stderr.String())
		}
		for i := range 100 { // the log goes on at the byte where it stopped
			if n := strings.Count(k.stderr.String(), fmt.Sprintf("line %d\n", i)); n != 1 {
				t.Fatalf("line %d is there %d times:\n%s", i, n, &k.stderr)
			}
		}
		d.empty(t)
	})
	t.Run("a device that cannot be reached for a while, or any more", func(t *testing.T) {
		k := d.call(t, d.host, "lines=60")
		k.stderr.waitFor(t, "line 5\n")
		d.down(t)
		k.stderr.waitFor(t, "connecting again")
		d.up(t)
		if k.ends(t, 0) == "" {
			t.Fatal(k.stderr.String())
		}
		k = d.call(t, d.host, "lines=60")
		k.stderr.waitFor(t, "line 5\n")
		d.down(t)
		k.ends(t, 5)
		for _, part := range []string{"cannot be reached any more", "rubato pi -collect", d.host} {
			if !strings.Contains(k.stderr.String(), part) {
				t.Fatalf("no %q in %s", part, &k.stderr)
			}
		}
		if strings.Contains(k.stderr.String(), "remove") {
			t.Fatalf("advises to remove: %s", &k.stderr)
		}
		d.up(t)
		if k = d.call(t, "-collect", d.host); k.ends(t, 0) == "" {
			t.Fatal(k.stderr.String())
		}
		d.empty(t)
		if k = d.call(t, "-collect", d.host); k.ends(t, 5) != "" || !strings.Contains(k.stderr.String(), "no results of runs") {
			t.Fatal(k.stderr.String())
		}
	})
}

// pretend makes a device of this machine, behind a program that stands for ssh. Its login shell prints.
func pretend(t *testing.T) device {
	t.Helper()
	dir := t.TempDir()
	d := device{host: "pi@127.0.0.1", home: filepath.Join(dir, "home")}
	ssh := `#!/bin/sh
if [ -e "` + dir + `/down" ]; then echo "ssh: connect to host: Connection refused" >&2; exit 255; fi
for last; do :; done
echo "Welcome!"; printf 'no line end'
echo $$ >>"` + dir + `/pids"
cd "` + d.home + `" && HOME="` + d.home + `" PATH="` + dir + `/there:$PATH" exec sh -c "$last"
`
	err := errors.Join(os.MkdirAll(d.home, 0o755), os.MkdirAll(filepath.Join(dir, "there"), 0o755), os.MkdirAll(filepath.Join(dir, "here"), 0o755),
		os.WriteFile(filepath.Join(dir, "here", "ssh"), []byte(ssh), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(dir, "here")+":"+os.Getenv("PATH"))
	d.cut = func(t *testing.T) { // only the last connection can still be there
		pids, err := os.ReadFile(filepath.Join(dir, "pids"))
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Fields(string(pids))
		pid, err := strconv.Atoi(all[len(all)-1])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	d.down = func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(dir, "down"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		d.cut(t)
	}
	d.up = func(t *testing.T) {
		if err := os.Remove(filepath.Join(dir, "down")); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestFlows(t *testing.T) { flows(t, pretend(t)) }
