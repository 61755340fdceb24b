//go:build linux

package host

import (
	"bufio"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A daemon leaves its group and its parent. It is ended with the child all the same, or by the one
// that adopts it. It is not parallel: EndDescendants ends those of other tests, too.
func TestDaemons(t *testing.T) {
	for name, end := range map[string]func(child *exec.Cmd){
		"with the child": func(child *exec.Cmd) { KillChild(child.Process.Pid); _ = child.Wait() },
		"when adopted": func(child *exec.Cmd) {
			if err := AdoptOrphans(); err != nil {
				t.Fatal(err)
			}
			_ = child.Process.Kill()
			_ = child.Wait()
			if left := EndDescendants(); len(left) != 1 || !strings.HasPrefix(left[0], "sleep") {
				t.Errorf("left %q", left)
			}
		},
	} {
		child := exec.Command("sh", "-c", "setsid sh -c 'echo $$; exec sleep 600 >&2' & wait")
		child.SysProcAttr = ChildAttributes()
		said, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(said).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(line))
		for deadline := time.Now().Add(time.Minute); programName(pid) != "sleep 600" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		}
		end(child)
		_, _ = syscall.Wait4(pid, nil, 0, nil) // if it was adopted
		for deadline := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil && programName(pid) != "."; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Fatalf("%s: the daemon still runs", name)
			}
		}
	}
}
