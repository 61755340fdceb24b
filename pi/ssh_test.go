//go:build ssh

package pi

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rubato/results"
)

// The device is this machine, behind a server on loopback that the test starts. These tests need
// openssh-server, dropbear-bin, busybox, systemd and, for dropbear and the limits of memory, root.

// A server is an sshd or a dropbear, in a process of its own.
type server struct {
	port    string
	command []string
	process *exec.Cmd
	joins   string // the control group that it is put into; "": none
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command(s.command[0], s.command[1:]...)
	var said output
	s.process.Stderr = &said
	s.process.WaitDelay = 100 * time.Millisecond // its connections keep stderr open
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	if s.joins != "" {
		must(t, os.WriteFile(filepath.Join(s.joins, "cgroup.procs"), []byte(strconv.Itoa(s.process.Process.Pid)), 0o644))
	}
	eventually(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		return err == nil && c.Close() == nil
	}, func() string { return "the server does not start: " + said.String() })
}

func (s *server) stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// children are the server's connections.
func (s *server) children() (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.process.Process.Pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func runs(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// keys are one for the server to know the user by, and a free port.
func keys(t *testing.T, dir string) (port string, options []string) {
	t.Helper()
	runs(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "user"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err = net.SplitHostPort(l.Addr().String())
	must(t, err)
	who, err := user.Current()
	must(t, err)
	return port, []string{"User=" + who.Username, "Port=" + port, "IdentityFile=" + filepath.Join(dir, "user"), "IdentitiesOnly=yes",
		"StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"}
}

// on starts the server, and makes a device of it.
func on(t *testing.T, s *server, home string, options []string) device {
	t.Helper()
	s.start(t)
	t.Cleanup(func() { s.stop() })
	d := device{home: home, options: options, host: "127.0.0.1"}
	d.cut = func(t *testing.T) {
		pids := s.children()
		if len(pids) == 0 {
			t.Fatal("there is no connection to cut")
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
	d.down = func(t *testing.T) {
		pids := s.children()
		s.stop()
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	d.up = func(t *testing.T) { s.start(t) }
	return d
}

// sshd is OpenSSH's server. Programs there have this environment.
func sshd(t *testing.T, group string, environment ...string) device {
	t.Helper()
	dir := t.TempDir()
	port, options := keys(t, dir)
	runs(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "host"))
	if os.Geteuid() == 0 && os.Mkdir("/run/sshd", 0o755) == nil { // where no system starts it
		t.Cleanup(func() { _ = os.Remove("/run/sshd") })
	}
	config := strings.Join([]string{"ListenAddress 127.0.0.1", "Port " + port, "HostKey " + dir + "/host", "AuthorizedKeysFile " + dir + "/user.pub",
		"PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes",
		"SetEnv " + strings.Join(environment, " ")}, "\n") + "\n"
	must(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o644))
	path, err := exec.LookPath("sshd")
	if err != nil {
		path = "/usr/sbin/sshd"
	}
	return on(t, &server{port: port, command: []string{path, "-D", "-e", "-f", filepath.Join(dir, "config")}, joins: group}, dir, options)
}

func TestSSHD(t *testing.T) {
	noise := filepath.Join(t.TempDir(), "noise")
	must(t, os.WriteFile(noise, []byte("echo; echo rubato; printf 'no line end'; echo noise >&2\n"), 0o644))
	flows(t, sshd(t, "", "PATH=/usr/bin:/bin", "BASH_ENV="+noise))
}

// BusyBox alone, as on OpenWrt or Alpine.
func TestBusyBox(t *testing.T) {
	dir := t.TempDir()
	path, err := exec.LookPath("busybox")
	must(t, err)
	for _, applet := range []string{"sh", "uname", "mkdir", "chmod", "rm", "wc", "df", "tail", "head", "gzip", "mv"} {
		must(t, os.Symlink(path, filepath.Join(dir, applet)))
	}
	flows(t, sshd(t, "", "PATH="+dir))
}

// dropbear looks for keys in the user's home only, so it gets one in a mount namespace of its own.
func TestDropbear(t *testing.T) {
	dir := t.TempDir()
	port, options := keys(t, dir)
	runs(t, "dropbearkey", "-t", "ed25519", "-f", filepath.Join(dir, "host"))
	who, err := user.Current()
	must(t, err)
	key, err := os.ReadFile(filepath.Join(dir, "user.pub"))
	must(t, errors.Join(err, os.MkdirAll(filepath.Join(dir, "home", ".ssh"), 0o700), os.Chmod(filepath.Join(dir, "home"), 0o700),
		os.WriteFile(filepath.Join(dir, "home", ".ssh", "authorized_keys"), key, 0o600)))
	flows(t, on(t, &server{port: port, command: []string{"unshare", "-m", "sh", "-c",
		`mount --bind "$1" "$2" && exec /usr/sbin/dropbear -F -E -s -r "$3" -p "127.0.0.1:$4" -P "$5"`, "sh",
		filepath.Join(dir, "home"), who.HomeDir, filepath.Join(dir, "host"), port, filepath.Join(dir, "pid")}}, dir, options))
}

// limited makes a control group with this much memory.
func limited(t *testing.T, megabytes int) (group string) {
	t.Helper()
	root, file := "/sys/fs/cgroup", "memory.max"
	if _, err := os.Stat(root + "/memory/memory.limit_in_bytes"); err == nil {
		root, file = root+"/memory", "memory.limit_in_bytes"
	}
	group = filepath.Join(root, fmt.Sprintf("rubato-test-%d-%d", os.Getpid(), megabytes))
	must(t, os.Mkdir(group, 0o755))
	t.Cleanup(func() {
		eventually(t, func() bool { return os.Remove(group) == nil }, func() string { return "processes are left in " + group })
	})
	must(t, os.WriteFile(filepath.Join(group, file), []byte(strconv.Itoa(megabytes<<20)), 0o644))
	return group
}

// whole calls the real program, which make build has built, on a device.
func (d device) whole(t *testing.T, program string, args ...string) *call {
	t.Helper()
	return d.call(t, append([]string{"-binary", program, "127.0.0.1"}, args...)...)
}

// The profile's scenarios end with 512 MB, all their work done.
func TestSmallMemory(t *testing.T) {
	program, err := filepath.Abs("../bin/rubato")
	must(t, err)
	d := sshd(t, limited(t, 512), "PATH=/usr/bin:/bin", limitEnv)
	t.Chdir(t.TempDir())
	k := d.whole(t, program, append([]string{"-quick", "-time", "2s", "-seed", "1"}, profileArgs[3:]...)...)
	<-k.done
	if k.code != 0 && k.code != 3 {
		t.Fatalf("exit %d:\n%s", k.code, &k.stderr)
	}
	found, _ := filepath.Glob("out/pi-127.0.0.1-*")
	if len(found) != 1 {
		t.Fatalf("%q:\n%s", found, &k.stderr)
	}
	run, details, err := results.Load(found[0])
	if err != nil || run.Incomplete != "" || len(run.Cells) < 9 || len(details.Blocks) == 0 {
		t.Fatalf("%v, %q, %d cells", err, run.Incomplete, len(run.Cells))
	}
	if m := run.Machine; m.Disk == nil || m.Disk.Fsync <= 0 || m.Available == 0 || !strings.Contains(strings.Join(m.Warnings, " "), "GOMEMLIMIT is 64MiB") {
		t.Errorf("%+v", m)
	}
	d.empty(t)
}

// When the kernel kills the run for lack of memory, that is said, and is not bad input.
func TestTooLittleMemory(t *testing.T) {
	d := sshd(t, limited(t, 256), "PATH=/usr/bin:/bin")
	t.Chdir(t.TempDir())
	k := d.call(t, d.host, "eat")
	if k.ends(t, 5) == "" || !strings.Contains(k.stderr.String(), "has too little memory: its kernel killed 1 of the processes") {
		t.Fatal(k.stderr.String())
	}
	d.empty(t)
}

// systemd accepts the units.
func TestUnits(t *testing.T) {
	runs(t, "systemd-analyze", "verify", "rubato-nightly.service", "rubato-nightly.timer")
}

// Each shell of a device is here, so that FuzzQuote has tried it.
func TestShells(t *testing.T) {
	if found := shells(); len(found) != 4 {
		t.Errorf("only %q; install dash, bash and busybox", found)
	}
}
