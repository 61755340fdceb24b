package ci

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// What GitLab shows of a job: a metrics report, whose values it compares with those of the
// target branch, and a code quality report.

// label escapes a label's value as OpenMetrics does. GitLab reads a line as a shell would, and what
// follows a # as a comment, in quotes, too.
var label = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "#", "%23", "\x00", "")

// metrics are the measured figures in OpenMetrics text, one a limit and cell.
func metrics(s shown) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# TYPE rubato_gate_exit gauge\nrubato_gate_exit %d\n# TYPE rubato gauge\n", s.Exit)
	seen := map[string]bool{}
	for _, r := range s.Rows {
		name := fmt.Sprintf(`rubato{cell="%s",quantity="%s"}`, label.Replace(r.Cell), label.Replace(r.Quantity))
		if r.Measured != nil && !seen[name] {
			seen[name] = true
			fmt.Fprintf(&b, "%s %.5g\n", name, r.Measured.Median)
		}
	}
	b.WriteString("# EOF\n")
	return b.Bytes(), nil
}

// An issue is an entry of a code quality report.
type issue struct {
	Description string        `json:"description"`
	Check       string        `json:"check_name"`
	Fingerprint string        `json:"fingerprint"` // the same in each run
	Severity    string        `json:"severity"`
	Location    issueLocation `json:"location"`
}

type issueLocation struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
	} `json:"lines"`
}

// codeQuality has an issue for each limit that is not certainly kept, at the limit's line, and one for each
// reason that is about the whole run, at the first line of the budgets.
func codeQuality(s shown) ([]byte, error) {
	all := []issue{}
	add := func(description, check, severity, file string, line int, of ...string) {
		sum := sha256.Sum256([]byte(strings.Join(of, "\x00")))
		i := issue{Description: description, Check: "rubato/" + check, Severity: severity, Fingerprint: hex.EncodeToString(sum[:16])}
		i.Location.Path, i.Location.Lines.Begin = file, max(line, 1)
		all = append(all, i)
	}
	for _, r := range s.Rows {
		severity := map[string]string{Over: "critical", Inconclusive: "minor"}[r.Verdict]
		switch {
		case r.settled():
			continue
		case !s.failing(r):
			severity = "info"
		case severity == "":
			severity = "blocker"
		}
		add(r.Budget+": "+r.said(), r.Quantity, severity, inside(s.root, r.File), r.Line, r.Budget, r.Quantity, r.Cell)
	}
	for i, why := range s.whole() {
		severity := "blocker"
		if s.Exit == ExitWithin {
			severity = "info"
		}
		add(why, "run", severity, inside(s.root, s.budgets), 1, "run", s.Verdict, fmt.Sprint(i))
	}
	return json.MarshalIndent(all, "", "  ")
}
