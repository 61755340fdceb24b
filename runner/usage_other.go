//go:build !linux

package runner

import "time"

// hasChildren is false: only those that were waited for are counted here.
func hasChildren() bool { return false }

func descendants() []descendant { return nil }

// threadCPU is that of the whole process: a thread's own is not to be had everywhere.
func threadCPU() time.Duration { return ownUsage().cpu() }
