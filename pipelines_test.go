package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The shipped pipelines, their shell steps run as they are written, in a small clone that has budgets
// and a "build" that copies this program. What they need of the build server is made up here.

// A pipelineStep is a step of a GitHub action.
type pipelineStep struct {
	Name, ID, If, Uses, Shell, Run string
	Env                            map[string]string
}

// smallClone has two commits, budgets that are kept or are not, and folders for what the steps use.
func smallClone(t *testing.T, limit string) (dir string, env []string) {
	t.Helper()
	root := t.TempDir()
	dir = filepath.Join(root, "clone")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		// The program's name makes it the program, and not its test.
		"tools/go": "#!/bin/bash\n[ \"$1\" = build ] || PATH=${PATH#*:} exec go \"$@\"\nwhile [ \"$1\" != -o ]; do shift; done\nmkdir -p \"$(dirname \"$2\")\" && cp \"$PROGRAM\" \"$2\"\n",
		// gh keeps the comments of one change in a file: one of somebody else, and those of the action.
		"tools/gh":              "#!/bin/bash\nset -eu\necho \"$*\" >>\"$RUNNER_TEMP/asked\"\ncase \"$*\" in\n*--jq*) cat \"$RUNNER_TEMP/own\" ;;\n*'--method POST'*) echo 42 >\"$RUNNER_TEMP/own\" ;;\nesac\n",
		"clone/go.mod":          "module example\n",
		"clone/ci/budgets.yaml": "schema: 1\nbaseline: direct\nbudgets:\n  - name: a refill's conversation\n    scenario: conversation\n    style: bus\n    limits: {ns_op: " + limit + "}\n    source: a test\n",
		"temp/own":              "",
		"clone/.gitignore":      "out/\n",
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	env = append(os.Environ(), "PATH="+filepath.Join(root, "tools")+":"+os.Getenv("PATH"), "PROGRAM="+program, "RUNNER_TEMP="+filepath.Join(root, "temp"),
		"GITHUB_WORKSPACE="+dir, "GITHUB_REPOSITORY=o/r", "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+filepath.Join(root, "output"),
		"GITHUB_STEP_SUMMARY="+filepath.Join(root, "summary.md"), "CI_PROJECT_DIR="+dir, "XDG_CACHE_HOME="+filepath.Join(root, "cache"))
	for _, script := range []string{"git init -q -b main && git add -A && git commit -qm one", "echo more >more && git add -A && git commit -qm two"} {
		if code, out := shell(t, dir, env, "git config --global --get user.name >/dev/null || true; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; "+script); code != 0 {
			t.Fatal(out)
		}
	}
	return dir, env
}

// shell runs a script as build servers do.
func shell(t *testing.T, dir string, env []string, script string) (code int, out string) {
	t.Helper()
	c := exec.Command("bash", "-euo", "pipefail", "-c", script)
	c.Dir, c.Env = dir, env
	text, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

var expression = regexp.MustCompile(`\$\{\{ *([^ }]+) *\}\}`)

// runAction runs the action's shell steps in order; after one that fails only those that always run. It
// returns the exit code of the first that failed, and what each step said.
// With names, only those steps run.
func runAction(t *testing.T, dir string, env []string, inputs map[string]string, only ...string) (code int, said map[string]string) {
	t.Helper()
	text, err := os.ReadFile("ci/action/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct{ Steps []pipelineStep }
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"github.token": "t", "github.base_ref": "", "github.event.pull_request.number": "7"}
	for name, input := range action.Inputs {
		values["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		if _, known := values["inputs."+name]; !known {
			t.Fatalf("the action has no input %s", name)
		}
		values["inputs."+name] = value
	}
	output := filepath.Join(filepath.Dir(dir), "output")
	said = map[string]string{}
	for _, step := range action.Runs.Steps {
		if step.Run == "" || len(only) > 0 && !slices.Contains(only, step.Name) || code != 0 && !strings.Contains(step.If, "always()") {
			continue
		}
		if expression.MatchString(step.Run) {
			t.Errorf("step %s: an expression in a script is an injection; give it as env", step.Name)
		}
		own := env
		for k, v := range step.Env {
			own = append(own, k+"="+expression.ReplaceAllStringFunc(v, func(e string) string {
				value, known := values[expression.FindStringSubmatch(e)[1]]
				if !known {
					t.Errorf("step %s: what is %s?", step.Name, e)
				}
				return value
			}))
		}
		if err := os.WriteFile(output, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		n, out := shell(t, dir, own, step.Run)
		said[step.Name] = out
		if code == 0 && n != 0 {
			code = n
		}
		lines, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(string(lines)) {
			k, v, _ := strings.Cut(line, "=")
			values["steps."+step.ID+".outputs."+k] = v
		}
	}
	return code, said
}

// quickly are inputs with which an action ends within seconds. On a busy machine these are too few for a
// verdict, so budgets that are kept let that pass, and the others fail either way.
func quickly(inconclusive string) map[string]string {
	return map[string]string{"build": `go build -o "$OUT" .`, "scenarios": "conversation", "counted": "", "flags": "-quick -time 1s -styles direct,bus", "inconclusive": inconclusive}
}

// kept and exceeded are limits in ns, with what an inconclusive gate does.
var kept, exceeded = [2]string{"100_000_000_000", "warn"}, [2]string{"1", "fail"}

func TestAction(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("measures twice, for a quarter of a minute each")
	}
	for _, c := range [][2]string{kept, exceeded} {
		t.Run(c[1], func(t *testing.T) {
			t.Parallel()
			dir, env := smallClone(t, c[0])
			inputs := quickly(c[1])
			code, said := runAction(t, dir, env, inputs)
			if (code == 0) != (c == kept) || code != 0 && code != 1 && code != 3 {
				t.Fatalf("exit %d: %q", code, said)
			}
			if marked := strings.Contains(said["gate"], "::error file=ci/budgets.yaml,line=7,title=a refill's conversation::"); marked != (code != 0) {
				t.Errorf("%s", said["gate"])
			}
			for _, name := range []string{"clone/out/gate/junit.xml", "clone/out/gate/report.html", "summary.md"} {
				if _, err := os.Stat(filepath.Join(filepath.Dir(dir), name)); err != nil {
					t.Error(err)
				}
			}
			comment, err := os.ReadFile(filepath.Join(dir, "out/gate/comment.md"))
			if err != nil || !strings.HasPrefix(string(comment), "<!-- rubato gate -->\n") {
				t.Errorf("%v, %.60s", err, comment)
			}
			runAction(t, dir, env, inputs, "comment") // as after the next push
			asked, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "temp/asked"))
			if err != nil || strings.Count(string(asked), "--method POST repos/o/r/issues/7/comments -F body=@out/gate/comment.md") != 1 ||
				strings.Count(string(asked), "--method PATCH repos/o/r/issues/comments/42 ") != 1 {
				t.Errorf("the comment is not made once and then replaced: %v\n%s", err, asked)
			}
		})
	}
}

// A clone without the commit that the change starts from says what to do.
func TestShallowClone(t *testing.T) {
	t.Parallel()
	dir, env := smallClone(t, "1")
	shallow := filepath.Join(filepath.Dir(dir), "shallow")
	if code, out := shell(t, dir, env, fmt.Sprintf("git clone -q --depth 1 'file://%s' '%s'", dir, shallow)); code != 0 {
		t.Fatal(out)
	}
	code, said := runAction(t, shallow, env, quickly("fail"))
	if code != 2 || !strings.Contains(said["the commit to measure beside"], "fetch-depth: 0") || len(said) != 2 {
		t.Errorf("exit %d: %q", code, said)
	}
	if code, out := shell(t, shallow, env, gitlabScript(t, "fail")); code != 2 || !strings.Contains(out, `GIT_DEPTH: "0"`) {
		t.Errorf("exit %d: %s", code, out)
	}
}

// gitlabScript are the lines of the job as GitLab joins them, with its variables.
func gitlabScript(t *testing.T, inconclusive string) string {
	t.Helper()
	text, err := os.ReadFile("ci/gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var jobs struct {
		Rubato struct {
			Variables map[string]string
			Script    []string
		}
	}
	if err := yaml.Unmarshal(text, &jobs); err != nil || len(jobs.Rubato.Script) < 5 {
		t.Fatalf("%d lines, %v", len(jobs.Rubato.Script), err)
	}
	quick := map[string]string{"RUBATO_SCENARIOS": "conversation", "RUBATO_COUNTED": "", "RUBATO_FLAGS": "-quick -time 1s -styles direct,bus", "RUBATO_INCONCLUSIVE": inconclusive}
	script := ""
	for name, value := range jobs.Rubato.Variables {
		if q, is := quick[name]; is {
			value = q
		}
		script += fmt.Sprintf("export %s=\"%s\"\n", name, value)
	}
	return script + strings.Join(jobs.Rubato.Script, "\n")
}

func TestGitLabTemplate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("measures twice, for a quarter of a minute each")
	}
	for _, c := range [][2]string{kept, exceeded} {
		t.Run(c[1], func(t *testing.T) {
			t.Parallel()
			dir, env := smallClone(t, c[0])
			code, out := shell(t, dir, env, gitlabScript(t, c[1])+"\n")
			if (code == 0) != (c == kept) || code != 0 && code != 1 && code != 3 {
				t.Fatalf("exit %d: %s", code, out)
			}
			for _, name := range []string{"out/junit.xml", "out/metrics.txt", "out/codequality.json"} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
			if code, out := shell(t, dir, env, "git status --porcelain"); code != 0 || out != "" {
				t.Errorf("the tree has changed: %s", out)
			}
		})
	}
}
