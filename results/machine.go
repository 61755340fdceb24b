package results

import "time"

// A Disk is what a folder stands on.
type Disk struct {
	Device     string        `json:"device,omitempty"`
	FileSystem string        `json:"file_system,omitempty"`
	Free       uint64        `json:"free"`  // bytes
	Fsync      time.Duration `json:"fsync"` // ns; the median of 20, each after 4 kB were written
}
