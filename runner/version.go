package runner

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// version prints what bears on figures: commit, Go, and what the styles stand on.
func (p program) version() {
	commit, dirty := source()
	changed := ""
	if dirty {
		changed = ", with changes"
	}
	fmt.Fprintf(p.stdout, "%s commit %s%s\n%s %s/%s\n", p.name, commit, changed, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range slices.Sorted(maps.Keys(p.suite.Versions)) {
		fmt.Fprintf(p.stdout, "%s %s\n", name, p.suite.Versions[name])
	}
}

// source is the commit that the program was built from: as the build noted it, else
// that of the working directory when this program's own source stands there, else
// "unknown".
func source() (commit string, dirty bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", false
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.modified":
			dirty = setting.Value == "true"
		}
	}
	if commit != "" {
		return commit, dirty
	}
	return checkedOut(info.Main.Path)
}

// checkedOut asks git, where there is one.
func checkedOut(module string) (commit string, dirty bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel", "HEAD").Output()
	top, commit, _ := strings.Cut(strings.TrimSpace(string(found)), "\n")
	if err != nil || commit == "" || module == "" {
		return "unknown", false
	}
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module "+module+"\n")) {
		return "unknown", false
	}
	changes, err := exec.CommandContext(ctx, "git", "-C", top, "status", "--porcelain").Output()
	return commit, err != nil || len(changes) > 0
}
