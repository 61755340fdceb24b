package scenarios

import (
	"bytes"
	"os"
	"strconv"
)

// peakMemory is the most of this process that was in memory since the runner began the
// block, in bytes; 0 when the kernel does not tell.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	kilobytes, _, _ := bytes.Cut(bytes.TrimSpace(after), []byte(" "))
	n, err := strconv.ParseInt(string(kilobytes), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
