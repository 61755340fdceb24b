//go:build linux

package host

import "syscall"

// EndDescendants kills the processes that this one started, directly or not, waits until they are
// gone, and returns the names of those that still ran. It knows those whose parent has ended only
// after AdoptOrphans, and leaves those that it may not kill. No other goroutine may wait for a
// child meanwhile.
func EndDescendants() (running []string) {
	for hasChildren() {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid > 0 {
			continue // one has ended already, or a signal came
		}
		killed := false
		for _, d := range descendants() {
			if syscall.Kill(d.pid, syscall.SIGKILL) != nil {
				continue
			}
			if killed = true; d.name != "." { // which has ended, and its parent has not noticed
				running = append(running, d.name)
			}
		}
		if !killed {
			return running
		}
		_, _ = syscall.Wait4(-1, nil, 0, nil) // its own children then are this process's
	}
	return running
}
