package ci

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rubato/results"
)

// everything is what a gate gave in every form.
type everything struct {
	code                                              int
	stdout, junit, comment, metrics, quality, summary string
}

// all runs the gate with every output, on GitHub Actions.
func all(t *testing.T, budgets string, run *results.Run, report string, flags ...string) everything {
	t.Helper()
	root := t.TempDir()
	path := func(name string) string { return filepath.Join(root, name) }
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"ci/b.yaml": budgets, "out/results.json": string(data), "out/report.md": report, "summary.md": "before\n"} {
		if err := os.MkdirAll(filepath.Dir(path(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path("summary.md"), "GITHUB_WORKSPACE": root}
	var stdout, stderr bytes.Buffer
	code := Gate{Env: func(name string) string { return env[name] }}.Main(append(flags, "-budgets", path("ci/b.yaml"),
		"-junit", path("j.xml"), "-comment", path("c.md"), "-metrics", path("m.txt"), "-codequality", path("q.json"), path("out")), &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	read := func(name string) string {
		text, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return everything{code, stdout.String(), read("j.xml"), read("c.md"), read("m.txt"), read("q.json"), read("summary.md")}
}

// Whatever the verdict, no output is green when the exit code is not 0, and the reverse.
func TestNeverGreen(t *testing.T) {
	t.Parallel()
	straddles := &results.Estimate{Median: 1.09, Lo: 1.05, Hi: 1.2}
	for name, c := range map[string]struct {
		change  func(*results.Run)
		budgets string
		flags   []string
		want    int
		verdict string
	}{
		"within":                     {func(r *results.Run) {}, goodBudgets, nil, ExitWithin, "within"},
		"over":                       {func(r *results.Run) { r.Cells[queueBus].Ratio = ptr(around(1.5)) }, goodBudgets, nil, ExitOver, "over"},
		"inconclusive":               {func(r *results.Run) { r.Cells[queueBus].Ratio = straddles }, goodBudgets, nil, ExitInconclusive, "inconclusive"},
		"inconclusive, a warning":    {func(r *results.Run) { r.Cells[queueBus].Ratio = straddles }, goodBudgets, []string{"-inconclusive", "warn"}, ExitWithin, "inconclusive"},
		"invalid":                    {func(r *results.Run) { r.Cells[queueBus].Work.Effects-- }, goodBudgets, nil, ExitInvalid, "invalid"},
		"invalid is never a warning": {func(r *results.Run) { r.Cells[queueBus].Work.Effects-- }, goodBudgets, []string{"-inconclusive", "warn"}, ExitInvalid, "invalid"},
		"ended early":                {func(r *results.Run) { r.Incomplete = "killed" }, goodBudgets, []string{"-inconclusive", "warn"}, ExitIncomplete, "incomplete"},
		"no controls":                {func(r *results.Run) {}, "require_controls: true\n" + goodBudgets, []string{"-inconclusive", "warn"}, ExitInvalid, "insensitive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := goodRun()
			c.change(run)
			got := all(t, c.budgets, run, "# a report\n\n* an answer\n", c.flags...)
			if got.code != c.want {
				t.Fatalf("exit %d, want %d\n%s", got.code, c.want, got.stdout)
			}
			red := c.want != ExitWithin
			suites := readJUnit(t, got.junit)
			errors, warnings := commandsIn(got.stdout, "error"), commandsIn(got.stdout, "warning")
			var issues []issue
			if err := json.Unmarshal([]byte(got.quality), &issues); err != nil {
				t.Fatal(err)
			}
			serious := 0
			for _, i := range issues {
				if i.Severity != "info" {
					serious++
				}
			}
			if (suites.bad > 0) != red || (len(errors) > 0) != red || (serious > 0) != red {
				t.Errorf("exit %d, but %d failing tests, %d annotations, %d serious issues", c.want, suites.bad, len(errors), serious)
			}
			if c.verdict != Within && !red && (suites.skipped == 0 || len(warnings) == 0 || len(issues) == 0) {
				t.Errorf("%s passes without a word: %d skipped, %d warnings, %d issues", c.verdict, suites.skipped, len(warnings), len(issues))
			}
			if onRow := c.verdict != "incomplete"; red && (errors[0].properties["file"] == "ci/b.yaml") != onRow {
				t.Errorf("the first annotation is at %v", errors[0].properties)
			}
			if c.verdict == Within && len(warnings)+len(issues)+suites.skipped > 0 {
				t.Errorf("within, with warnings %v and issues %v", warnings, issues)
			}
			for what, text := range map[string]string{"comment": got.comment, "summary": got.summary, "stdout": got.stdout} {
				if !strings.Contains(text, c.verdict) {
					t.Errorf("the %s does not say %s:\n%s", what, c.verdict, text)
				}
			}
			if !strings.Contains(got.comment, "\n## rubato: "+c.verdict+"\n") {
				t.Errorf("the comment's head says something else:\n%s", got.comment)
			}
		})
	}
}

// An answer without a row that says why is red, too.
func TestNeverGreenWithoutRows(t *testing.T) {
	t.Parallel()
	for exit, want := range map[int]string{ExitInconclusive: "::error ", ExitWithin: "::warning "} {
		s := shown{Answer: Answer{Verdict: Inconclusive, Exit: exit}}
		report, _ := junit(s)
		if a := annotations(s); len(a) != 1 || !strings.HasPrefix(a[0], want) || (readJUnit(t, string(report)).bad > 0) != (exit != ExitWithin) {
			t.Errorf("exit %d: %q\n%s", exit, a, report)
		}
	}
}

// An annotation stands at the line of the limit, one for each budget.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	run := goodRun()
	run.Cells[queueBus].Ratio, run.Cells[queueBus].OverheadNs = ptr(around(1.5)), ptr(around(50_000))
	run.Cells[logDirect].NsOp = around(2e7)
	got := commandsIn(all(t, goodBudgets, run, "").stdout, "error")
	if len(got) != 2 {
		t.Fatalf("%d annotations, want one for each budget: %+v", len(got), got)
	}
	if a := got[0]; a.properties["file"] != "ci/b.yaml" || a.properties["line"] != "8" || a.properties["title"] != "bus stays near direct" ||
		!strings.Contains(a.data, "1.5 [1.47, 1.53] ×: over\n") || !strings.Contains(a.data, "overhead over direct ≤ 10 µs, measured 50") {
		t.Errorf("%+v", a)
	}
	if a := got[1]; a.properties["line"] != "13" || strings.Contains(a.data, "\n") {
		t.Errorf("%+v", a)
	}
}

// Names of users' scenarios and budgets are names in every output, whatever they look like.
func TestNamesStayNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"::error file=x,line=1::injected", "##[warning]injected", "a, line=7: b%0A::error::injected", `</testcase><testcase name="injected">`, "]]>", "<script>alert(1)</script>",
		"a | b | c", "[link](https://example.com) www.example.com", "@everyone fixes #12", "--> injected <!--", "`code` *bold* ~~gone~~", `quote " and \ and 'one'`, "$x^2$", "tab\tand\x01control", "/close",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := goodRun()
			run.Cells[queueBus].Style, run.Cells[queueBus].Ratio = name, ptr(around(1.5))
			quoted, _ := json.Marshal(name)
			budgets := strings.Replace(goodBudgets, "style: bus", "style: "+string(quoted), 1)
			budgets = strings.Replace(budgets, "bus stays near direct", string(quoted), 1)
			got := all(t, budgets, run, "")
			if got.code != ExitOver {
				t.Fatalf("exit %d\n%s", got.code, got.stdout)
			}
			commands := commandsIn(got.stdout, "")
			if len(commands) != 1 || commands[0].properties["title"] != name || commands[0].properties["line"] != "8" || !strings.HasPrefix(commands[0].data, "queue-low "+name) {
				t.Errorf("the build server reads the commands %+v", commands)
			}
			suites := readJUnit(t, got.junit)
			if want := strings.ReplaceAll(name, "\x01", "\ufffd"); !suites.names[want] || suites.bad != 1 {
				t.Errorf("%d bad, names %v", suites.bad, suites.names)
			}
			for _, line := range strings.Split(got.metrics, "\n") {
				if words := gitlabWords(t, line); len(words) > 0 && len(words) != 2 {
					t.Errorf("GitLab reads %q as %q", line, words)
				}
			}
			if found := markupIn.FindString(strings.TrimPrefix(got.comment, CommentMarker)); found != "" {
				t.Errorf("the comment has %q:\n%s", found, got.comment)
			}
			if found := markupIn.FindString(got.summary); found != "" {
				t.Errorf("the summary has %q", found)
			}
		})
	}
}

// markupIn is what a name must not be in Markdown: HTML, a link, emphasis, a mention, an issue, a formula,
// a cell of a table, a command of GitLab.
var markupIn = regexp.MustCompile(`<|[^\\]\[|://|www\.|@\w|#\d|[^\\]\*\w|\w\*|~~|\$x|a \| b|(?m)^/`)

func TestCommentFits(t *testing.T) {
	t.Parallel()
	run := goodRun()
	for i := range 3000 {
		c := cell("message-log", "bus", map[string]string{"mode": strings.Repeat("@x ", 100) + string(rune('a'+i%26)) + strings.Repeat("y", i%50)}, 36_000)
		c.NsOp = around(2e7 + float64(i))
		run.Cells = append(run.Cells, c)
	}
	got := all(t, goodBudgets, run, strings.Repeat("# report\n\n", 10)+"## left out\n")
	if len(got.comment) > 60_000 || len(got.comment) < 20_000 || !strings.HasPrefix(got.comment, CommentMarker+"\n") {
		t.Errorf("%d bytes, begins %.40q", len(got.comment), got.comment)
	}
	if !strings.Contains(got.comment, " over |") || strings.Contains(got.comment, "left out") || !strings.Contains(got.comment, "more rows") {
		t.Errorf("ends %q", got.comment[len(got.comment)-300:])
	}
	if len(got.summary) > 1<<20 {
		t.Errorf("the summary has %d bytes", len(got.summary))
	}
}

// The page of the job keeps what other steps wrote, and begins with the report's answer.
func TestStepSummary(t *testing.T) {
	t.Parallel()
	report := "# Title\n\n* bus: 1 % longer\n\n| a |\n|---|\n| 1 |\n\n## Section\n\nmore\n"
	got := all(t, goodBudgets, goodRun(), report)
	if !strings.HasPrefix(got.summary, "before\n# Title\n\n* bus: 1 % longer\n") || strings.Contains(got.summary, "Section") || !strings.Contains(got.summary, "## rubato: within") {
		t.Errorf("%s", got.summary)
	}
}

// The answer says what the run could have found.
func TestDetectable(t *testing.T) {
	t.Parallel()
	run := goodRun()
	aa := cell("queue-low", "direct", map[string]string{"passages": "1000"}, 700_000)
	aa.Role, aa.Ratio = results.RoleAA, ptr(around(1))
	slow := aa
	slow.Role, slow.Ratio = results.RoleSlowdown, ptr(around(1.1))
	run.Controls = []results.Controls{{AA: aa, Slowdown: slow, Stage: "s", Share: .1, Confidence: .99, MinimumDetectable: ptr(1.034)}}
	got := all(t, goodBudgets, run, "")
	if want := "queue-low passages=1000: this run finds a change of time of 3.4 % 9 times out of 10"; !strings.Contains(got.comment, want) || !strings.Contains(got.stdout, want) {
		t.Errorf("%s", got.comment)
	}
	run.Controls[0].MinimumDetectable, run.Controls[0].Insensitive = nil, "missed"
	if got = all(t, goodBudgets, run, ""); !strings.Contains(got.comment, "queue-low passages=1000: this run could not have found a change of time") {
		t.Errorf("%s", got.comment)
	}
}

func TestOutputFlags(t *testing.T) {
	t.Parallel()
	for want, flags := range map[string][]string{
		"-inconclusive maybe: want fail or warn":                  {"-inconclusive", "maybe"},
		"-junit has no value: want a file, such as out/junit.xml": {"-junit", ""},
	} {
		if code, stdout, stderr := gate(t, Gate{}, goodBudgets, goodRun(), flags...); code != ExitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %q; want %q", code, stderr, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "no", "j.xml")
	if code, _, stderr := gate(t, Gate{}, goodBudgets, goodRun(), "-junit", missing); code != ExitIncomplete || !strings.Contains(stderr, "write the answer") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// As JSON, the answer has no workflow command of the old form in it, and stays JSON.
func TestJSONOnGitHub(t *testing.T) {
	t.Parallel()
	run := goodRun()
	run.Cells[queueBus].Style = "##[add-path]/tmp"
	got := Gate{Env: func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }}
	code, stdout, stderr := gate(t, got, strings.Replace(goodBudgets, "style: bus", `style: "##[add-path]/tmp"`, 1), run, "-json")
	var a Answer
	if err := json.Unmarshal([]byte(stdout), &a); err != nil || code != ExitWithin || stderr != "" {
		t.Fatalf("exit %d, %v, %s", code, err, stderr)
	}
	if c := commandsIn(stdout, ""); len(c) > 0 || !strings.Contains(a.Rows[0].Cell, "##[add-path]/tmp") {
		t.Errorf("commands %+v in %s", c, stdout)
	}
}
