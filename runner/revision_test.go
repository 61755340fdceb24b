package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// checkout is a git repository with a small program, whose commits differ in what it prints.
func checkout(t *testing.T, texts ...string) (dir string, run func(args ...string) string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	for _, name := range []string{"GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_DEFAULT_BRANCH"} {
		t.Setenv(name, "")
	}
	dir = t.TempDir()
	run = func(args ...string) string {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "-b", "main")
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range texts {
		write("app/go.mod", "module example.com/app\n\ngo 1.26\n")
		write("app/main.go", "package main\n\nfunc main() { print("+text+") }\n")
		run("add", ".")
		run("commit", "-q", "-m", "say "+text)
	}
	return dir, run
}

func TestRevision(t *testing.T) {
	dir, run := checkout(t, `"one"`, `"two"`, `three`, `"four"`)
	app := filepath.Join(dir, "app")
	run("tag", "first", "main~3")
	run("checkout", "-q", "-b", "topic", "main~2")
	run("commit", "-q", "--allow-empty", "-m", "more")
	of := source{main: "example.com/app", module: "example.com/app", goes: runtime.Version(),
		settings: []debug.BuildSetting{{Key: "-trimpath", Value: "true"}, {Key: "CGO_ENABLED", Value: "0"}, {Key: "vcs", Value: "git"}}}
	var said []string
	say := func(format string, args ...any) { said = append(said, format) }
	for _, c := range []struct{ asked, want, wrong string }{
		{asked: "first", want: "one"},
		{asked: "HEAD~2", want: "one"},
		{asked: "main", want: "four"},
		{asked: mergeBase, want: "two"},
		{asked: "main~1", wrong: "undefined: three"},
		{asked: "elsewhere", wrong: `no commit, tag or branch "elsewhere"`},
		{asked: "-q", wrong: "no commit"},
		{asked: "./go.mod", wrong: "is no program"},
	} {
		r, b, err := revision(t.Context(), of, app, c.asked, say)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v, want %q", c.asked, err, c.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.asked, err)
			continue
		}
		out, err := exec.Command(b.path).CombinedOutput()
		if string(out) != c.want || err != nil || r.Asked != c.asked || r.Commit != run("rev-parse", strings.ReplaceAll(c.asked, mergeBase, "main~2")) {
			t.Errorf("%s: %+v prints %q, %v", c.asked, r, out, err)
		}
	}
	run("checkout", "-q", "main~2")
	run("branch", "-q", "-f", "main", "HEAD")
	if commit, err := commitOf(t.Context(), app, mergeBase); commit != run("rev-parse", "first") || err != nil {
		t.Errorf("on the main branch: %s, %v", commit, err)
	}
	if trees := run("worktree", "list"); strings.Count(trees, "\n") > 0 {
		t.Errorf("worktrees are left behind:\n%s", trees)
	}
	said = nil
	if _, _, err := revision(t.Context(), of, app, "first", say); err != nil || len(said) != 1 || !strings.Contains(said[0], "built before") {
		t.Errorf("a second time it says %q, %v", said, err)
	}
	of.goes = "go1.2"
	if _, _, err := revision(t.Context(), of, app, "first", say); err == nil || !strings.Contains(err.Error(), "go1.2") {
		t.Errorf("built with another Go: %v", err)
	}
	of.module = "example.com/other"
	if _, _, err := revision(t.Context(), of, app, "topic", say); err == nil || !strings.Contains(err.Error(), "checkout of example.com/other") {
		t.Errorf("in another module: %v", err)
	}
}

// TestShallow: a clone of one commit has no merge-base, and is told how to get it.
func TestShallow(t *testing.T) {
	dir, run := checkout(t, `"one"`, `"two"`)
	run("checkout", "-q", "-b", "topic")
	run("commit", "-q", "--allow-empty", "-m", "more")
	run("checkout", "-q", "main")
	run("commit", "-q", "--allow-empty", "-m", "elsewhere")
	clone := filepath.Join(t.TempDir(), "clone")
	run("clone", "-q", "--depth", "1", "--no-single-branch", "-b", "topic", "file://"+dir, clone)
	_, err := commitOf(t.Context(), clone, mergeBase)
	if err == nil || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("a shallow clone: %v", err)
	}
	if _, err := commitOf(t.Context(), t.TempDir(), "HEAD"); err == nil || !strings.Contains(err.Error(), "needs a git checkout") {
		t.Errorf("no repository: %v", err)
	}
}
