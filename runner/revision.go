package runner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"rubato/results"
)

// A build is a program that children are started from. Of nil, it is this program.
type build struct {
	path string
	was  os.FileInfo // when it was first used
}

// asStarted is this program.
var asStarted = sync.OnceValues(func() (*build, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return buildAt(path)
})

func buildAt(path string) (*build, error) {
	was, err := os.Stat(path)
	return &build{path, was}, err
}

// file is the path of the program. It fails if the file has changed: children of two builds
// must not be taken for those of one.
func (b *build) file() (string, error) {
	if b == nil {
		own, err := asStarted()
		if err != nil {
			return "", fmt.Errorf("finding the own program to start it again: %w", err)
		}
		b = own
	}
	is, err := os.Stat(b.path)
	if err != nil {
		return "", fmt.Errorf("finding a program to start it again: %w", err)
	}
	if !os.SameFile(b.was, is) || !b.was.ModTime().Equal(is.ModTime()) {
		return "", fmt.Errorf("%s was built again while it ran: run it again", b.path)
	}
	return b.path, nil
}

// mergeBase is the name by which -against takes the commit at which this branch left the main one; on
// the main branch, the one before.
const mergeBase = "merge-base"

// buildTime bounds a build; oldBuilds is how many are kept.
const (
	buildTime = 10 * time.Minute
	oldBuilds = 8
)

// A source says how this program was built, so that another revision is built in the same way.
type source struct {
	main     string // import path of its main package
	module   string
	goes     string               // the version of Go
	settings []debug.BuildSetting // see debug.BuildInfo
}

// ownSource is that of this program.
func ownSource() (source, error) {
	info, known := debug.ReadBuildInfo()
	if !known || info.Main.Path == "" {
		return source{}, errors.New("this program does not say what it was built from: name the other one by its file")
	}
	return source{main: info.Path, module: info.Main.Path, goes: info.GoVersion, settings: info.Settings}, nil
}

// flags are those of go build, and the environment that it needs. Symbols are left out: they are
// never loaded.
func (s source) flags() (flags, env []string) {
	pgo := "-pgo=off"
	flags = append(flags, "-ldflags=-s")
	for _, set := range s.settings {
		switch key := set.Key; {
		case key == "-pgo":
			pgo = "" // as go build chooses
		case key == "-ldflags", key == "-buildmode", key == "-compiler", strings.HasPrefix(key, "vcs"):
		case strings.HasPrefix(key, "-"):
			flags = append(flags, key+"="+set.Value)
		case key == "CGO_ENABLED", key == "GOOS", key == "GOEXPERIMENT", strings.HasPrefix(key, "GO"):
			env = append(env, key+"="+set.Value)
		}
	}
	if pgo != "" {
		flags = append(flags, pgo)
	}
	return flags, env
}

// revision finds another build of this program: a file, or a commit of the checkout in dir, which
// is built unless it was before.
func revision(ctx context.Context, s source, dir, asked string, say func(string, ...any)) (*results.Revision, *build, error) {
	named := strings.HasPrefix(asked, ".") || filepath.IsAbs(asked)
	commit, err := "", error(nil)
	if !named {
		commit, err = commitOf(ctx, dir, asked)
	}
	path := asked
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if info, failed := os.Stat(path); named || err != nil && failed == nil {
		switch {
		case failed != nil:
			return nil, nil, failed
		case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
			return nil, nil, fmt.Errorf("%s is no program: -against takes a revision, or the file of another build", asked)
		}
		r := &results.Revision{Asked: asked}
		r.Commit, r.Dirty = vcs(ctx, path)
		b, err := buildAt(path)
		return r, b, err
	}
	if err != nil {
		return nil, nil, err
	}
	path, err = s.build(ctx, dir, commit, say)
	if err != nil {
		return nil, nil, err
	}
	b, err := buildAt(path)
	return &results.Revision{Asked: asked, Commit: commit}, b, err
}

// vcs says what a program was built from, as far as Go is here to tell.
func vcs(ctx context.Context, path string) (commit string, dirty bool) {
	told, err := outputOf(exec.CommandContext(ctx, "go", "version", "-m", path))
	if err != nil {
		return "", false
	}
	_, commit, _ = strings.Cut(told, "vcs.revision=")
	commit, _, _ = strings.Cut(commit, "\n")
	return commit, strings.Contains(told, "vcs.modified=true")
}

// commitOf is the commit that a name stands for.
func commitOf(ctx context.Context, dir, asked string) (string, error) {
	if _, err := git(ctx, dir, "rev-parse", "--show-toplevel"); err != nil {
		return "", fmt.Errorf("-against %s needs a git checkout to find it in, or the file of another build: %w", asked, err)
	}
	shallow := ""
	if is, err := git(ctx, dir, "rev-parse", "--is-shallow-repository"); err == nil && is == "true" {
		shallow = "; this clone is shallow: fetch the rest with git fetch --unshallow (on GitHub: fetch-depth: 0)"
	}
	if asked != mergeBase {
		commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", asked+"^{commit}")
		if err != nil {
			return "", fmt.Errorf("no commit, tag or branch %q in this checkout%s", asked, shallow)
		}
		return commit, nil
	}
	var tried []string
	for _, branch := range []string{os.Getenv("GITHUB_BASE_REF"), os.Getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), os.Getenv("CI_DEFAULT_BRANCH"), "HEAD", "main", "master"} {
		if branch == "" {
			continue
		}
		for _, name := range []string{"refs/remotes/origin/" + branch, "refs/heads/" + branch} {
			if name == "refs/heads/HEAD" {
				continue
			}
			if _, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", name+"^{commit}"); err != nil {
				continue
			}
			commit, err := git(ctx, dir, "merge-base", "HEAD", name)
			if head, _ := git(ctx, dir, "rev-parse", "HEAD"); commit == head && err == nil { // on the main branch: what it was before
				commit, err = git(ctx, dir, "rev-parse", "--verify", "--quiet", "HEAD~1")
			}
			if err == nil {
				return commit, nil
			}
			tried = append(tried, name)
		}
	}
	if len(tried) == 0 {
		return "", fmt.Errorf("no main branch to have left: name the revision, or fetch it%s", shallow)
	}
	return "", fmt.Errorf("HEAD and %s have no commit in common before it%s", strings.Join(tried, " or "), shallow)
}

// git is the output of a git command.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return outputOf(exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.hooksPath=/dev/null"}, args...)...))
}

// outputOf is what a command prints; its error says what it complained of.
func outputOf(c *exec.Cmd) (string, error) {
	out, err := c.Output()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) {
		err = errors.New(cmp.Or(strings.TrimSpace(string(exit.Stderr)), err.Error()))
	}
	return strings.TrimSpace(string(out)), err
}

// build builds a commit in a worktree of its own, with the flags of this program. A build is kept
// and used again.
func (s source) build(ctx context.Context, dir, commit string, say func(string, ...any)) (path string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime, fmt.Errorf("%s takes over %v to build", commit, buildTime))
	defer cancel()
	root, err := s.root(ctx, dir)
	if err != nil {
		return "", err
	}
	flags, env := s.flags()
	builds, err := os.UserCacheDir()
	if err != nil {
		builds = os.TempDir()
	}
	builds = filepath.Join(builds, "rubato", "builds")
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat([]string{commit, s.main, s.goes}, flags, env), "\x00")))
	folder := filepath.Join(builds, commit[:12]+"-"+hex.EncodeToString(sum[:6]))
	path = filepath.Join(folder, filepath.Base(s.main))
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(folder, now, now) // the oldest are removed
		say("%s was built before", commit[:12])
		return path, nil
	}
	say("building %s", commit[:12])
	began := time.Now()
	if err := os.MkdirAll(builds, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(builds, "half-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	tree, made := filepath.Join(work, "tree"), filepath.Join(work, "made")
	if _, err := git(ctx, dir, "worktree", "add", "--detach", "--quiet", tree, commit); err != nil {
		return "", fmt.Errorf("checking %s out: %w", commit[:12], err)
	}
	err = s.compile(ctx, filepath.Join(tree, root), filepath.Join(made, filepath.Base(path)), flags, env)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if _, failed := git(context.WithoutCancel(ctx), dir, "worktree", "remove", "--force", tree); err == nil {
		err = failed
	}
	if err == nil {
		err = keepBuild(builds, made, folder)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", commit[:12], err)
	}
	say("built %s in %v", commit[:12], time.Since(began).Round(100*time.Millisecond))
	return path, nil
}

// compile builds what is in dir, with the Go of this program.
func (s source) compile(ctx context.Context, dir, to string, flags, env []string) error {
	run := func(args ...string) (string, error) {
		c := exec.CommandContext(ctx, "go", args...)
		c.Dir, c.Env = dir, append(os.Environ(), env...)
		return outputOf(c)
	}
	if goes, err := run("env", "GOVERSION"); err != nil || goes != s.goes {
		return errors.Join(err, fmt.Errorf("it is built with %s, this program with %s: not only their code would be compared", goes, s.goes))
	}
	if _, err := run(slices.Concat([]string{"build", "-o", to}, flags, []string{s.main})...); err != nil {
		return fmt.Errorf("it does not build:\n%w", err)
	}
	return nil
}

// root is the folder of the program's module within the checkout of dir.
func (s source) root(ctx context.Context, dir string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	list.Dir = dir
	module, err := outputOf(list)
	path, at, _ := strings.Cut(module, "\n")
	if err != nil || path != s.module {
		return "", fmt.Errorf("a revision is built from source: run it in the checkout of %s, or name the file of another build", s.module)
	}
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	if at, err = filepath.EvalSymlinks(at); err != nil {
		return "", err
	}
	return filepath.Rel(top, at)
}

// keepBuild moves a build to its place and removes the oldest. It is moved, not copied: how the file
// lies in memory shows in the memory of its processes.
func keepBuild(builds, made, folder string) error {
	if err := os.Rename(made, folder); err != nil {
		if _, other := os.Stat(folder); other == nil {
			return nil // another run has built it meanwhile
		}
		return err
	}
	all, err := os.ReadDir(builds)
	if err != nil {
		return err
	}
	age := func(e os.DirEntry) time.Time {
		if info, err := e.Info(); err == nil {
			return info.ModTime()
		}
		return time.Time{}
	}
	slices.SortFunc(all, func(a, b os.DirEntry) int { return age(b).Compare(age(a)) })
	for _, old := range all[min(len(all), oldBuilds):] {
		_ = os.RemoveAll(filepath.Join(builds, old.Name())) // the next build tries again
	}
	return nil
}
