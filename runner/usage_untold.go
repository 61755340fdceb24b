package runner

import "io/fs"

// untold are the resources that this machine does not tell of a process, and why.
func untold(root fs.FS) map[string]string {
	why := map[string]string{}
	if text := noEnergy(root); text != "" {
		why["energy"] = text
	}
	if textOf(root, "proc/self/io") == "" {
		why["reads and writes"] = "this kernel does not count them for a process, in /proc/self/io"
	}
	if readWaits(root) == nil {
		why["wait for a CPU"] = "this kernel does not count it, in /proc/self/task/*/schedstat"
	}
	if len(why) == 0 {
		return nil
	}
	return why
}
