package ci

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What reads the outputs elsewhere, written from its own source or schema.

// A workflowCommand is a line that GitHub's runner acts on.
type workflowCommand struct {
	name, data string
	properties map[string]string
}

// commandsIn reads text as actions/runner does (src/Runner.Common/ActionCommand.cs and
// src/Runner.Worker/ActionCommandManager.cs): a line that begins with ::, or has ##[ anywhere.
// It returns the commands of a name, or all but those that stop and go on.
func commandsIn(text, name string) (all []workflowCommand) {
	stopped := ""
	for _, line := range strings.Split(text, "\n") {
		c, is := commandOf(line, stopped)
		switch {
		case !is:
		case stopped != "":
			if c.name == stopped {
				stopped = ""
			}
		case c.name == "stop-commands":
			stopped = c.data
		case name == "" || c.name == name:
			all = append(all, c)
		}
	}
	return all
}

func commandOf(line, token string) (c workflowCommand, is bool) {
	known := []string{"error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "add-path", "add-matcher", "set-env", "set-output", "save-state", "echo", "stop-commands", token}
	unescaped := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
	unescapedProperty := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	if trimmed := strings.TrimLeft(line, " \t\r"); strings.HasPrefix(trimmed, "::") {
		info, data, ends := strings.Cut(trimmed[2:], "::")
		name, properties, _ := strings.Cut(info, " ")
		if !ends || !slices.Contains(known, name) {
			return c, false
		}
		c = workflowCommand{name, unescaped.Replace(data), map[string]string{}}
		for _, p := range strings.Split(properties, ",") {
			if k, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok {
				c.properties[k] = unescapedProperty.Replace(v)
			}
		}
		return c, true
	}
	if _, rest, old := strings.Cut(line, "##["); old {
		info, data, ends := strings.Cut(rest, "]")
		name, _, _ := strings.Cut(info, " ")
		return workflowCommand{name: name, data: data}, ends && slices.Contains(known, name)
	}
	return c, false
}

// A junitElement is what windyroad's JUnit.xsd allows in an element: attributes with the form of their
// values, optional ones with a ? before their name, and children in their order.
type junitElement struct {
	attributes map[string]string
	children   string // an expression over "<name>"
	text       bool
}

var junitSchema = map[string]junitElement{
	"testsuites": {nil, `(<testsuite>)*`, false},
	"testsuite": {map[string]string{"name": `(?s).+`, "package": `(?s).*`, "id": `\d+`, "timestamp": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`, "hostname": `.+`,
		"tests": `\d+`, "failures": `\d+`, "errors": `\d+`, "?skipped": `\d+`, "time": `\d+(\.\d+)?`}, `<properties>(<testcase>)*<system-out><system-err>`, false},
	"properties": {nil, ``, false},
	"testcase":   {map[string]string{"name": `(?s).*`, "classname": `(?s).*`, "time": `\d+(\.\d+)?`}, `(<skipped>|<error>|<failure>)?`, false},
	"skipped":    {nil, ``, true},
	"error":      {map[string]string{"?message": `(?s).*`, "type": `(?s).*`}, ``, true},
	"failure":    {map[string]string{"?message": `(?s).*`, "type": `(?s).*`}, ``, true},
	"system-out": {nil, ``, true},
	"system-err": {nil, ``, true},
}

// A readReport is what a reader of JUnit XML counts.
type readReport struct {
	bad, skipped int
	names        map[string]bool // of suites
}

// readJUnit checks a report against the schema, and its counts against its cases.
func readJUnit(t *testing.T, text string) readReport {
	t.Helper()
	r := readReport{names: map[string]bool{}}
	type open struct{ name, children string }
	var stack []open
	var claimed, counted [4]int // tests, failures, errors, skipped
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, text)
		}
		switch e := token.(type) {
		case xml.StartElement:
			checkAttributes(t, e)
			if n := len(stack); n > 0 {
				stack[n-1].children += "<" + e.Name.Local + ">"
			} else if e.Name.Local != "testsuites" {
				t.Fatalf("begins with %s", e.Name.Local)
			}
			stack = append(stack, open{name: e.Name.Local})
			for _, a := range e.Attr {
				if at := slices.Index([]string{"tests", "failures", "errors", "skipped"}, a.Name.Local); at >= 0 {
					n, _ := strconv.Atoi(a.Value)
					claimed[at] += n
				}
				if e.Name.Local == "testsuite" && a.Name.Local == "name" {
					r.names[a.Value] = true
				}
			}
			if at := slices.Index([]string{"testcase", "failure", "error", "skipped"}, e.Name.Local); at >= 0 {
				counted[at]++
			}
		case xml.EndElement:
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if of := junitSchema[top.name]; !regexp.MustCompile("^" + of.children + "$").MatchString(top.children) {
				t.Errorf("%s holds %s, want %s", top.name, top.children, of.children)
			}
		case xml.CharData:
			if n := len(stack); n > 0 && strings.TrimSpace(string(e)) != "" && !junitSchema[stack[n-1].name].text {
				t.Errorf("text in %s: %q", stack[n-1].name, e)
			}
		}
	}
	if claimed != counted {
		t.Errorf("claims %v tests, failures, errors and skipped, has %v", claimed, counted)
	}
	r.bad, r.skipped = counted[1]+counted[2], counted[3]
	return r
}

func checkAttributes(t *testing.T, e xml.StartElement) {
	t.Helper()
	of, known := junitSchema[e.Name.Local]
	if !known {
		t.Fatalf("element %s is not in the schema", e.Name.Local)
	}
	has := map[string]bool{}
	for _, a := range e.Attr {
		has[a.Name.Local] = true
		form, is := of.attributes[a.Name.Local]
		if !is {
			form, is = of.attributes["?"+a.Name.Local]
		}
		if !is || !regexp.MustCompile("^("+form+")$").MatchString(a.Value) {
			t.Errorf("%s %s=%q is not in the schema", e.Name.Local, a.Name.Local, a.Value)
		}
	}
	for name := range of.attributes {
		if !strings.HasPrefix(name, "?") && !has[name] {
			t.Errorf("%s has no %s", e.Name.Local, name)
		}
	}
}

// gitlabWords reads a line of a metrics report as GitLab does
// (ee/lib/gitlab/ci/parsers/metrics/generic.rb): without what follows a #, split as Ruby's Shellwords do.
func gitlabWords(t *testing.T, line string) (words []string) {
	t.Helper()
	line, _, _ = strings.Cut(line, "#")
	piece := regexp.MustCompile(`^\s*(?:([^\x00\s\\'"]+)|'([^\x00']*)'|"((?:[^\x00"\\]|\\[^\x00])*)"|(\\[^\x00]?)|(\S))(\s|$)?`)
	word := ""
	for strings.TrimSpace(line) != "" {
		m := piece.FindStringSubmatchIndex(line)
		if m == nil || m[10] >= 0 {
			t.Fatalf("GitLab refuses %q", line)
		}
		for _, g := range []int{2, 4, 6, 8} {
			if m[g] >= 0 {
				word += line[m[g]:m[g+1]]
			}
		}
		if m[12] >= 0 {
			words, word = append(words, word), ""
		}
		line = line[m[1]:]
	}
	return words
}

// TestMetrics reads the file as GitLab does.
func TestMetrics(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	text := all(t, goodBudgets, goodRun(), "").metrics
	for _, line := range strings.Split(text, "\n") {
		if words := gitlabWords(t, line); len(words) == 2 {
			got[words[0]] = words[1]
		}
	}
	if got["rubato_gate_exit"] != "0" || got["rubato{cell=queue-low bus passages=1000,quantity=ratio}"] != "1.01" ||
		got["rubato{cell=message-log bus mode=closed,quantity=p99}"] != "72000" || len(got) != 7 || !strings.HasSuffix(text, "\n# EOF\n") {
		t.Errorf("%d metrics: %v", len(got), got)
	}
}

// TestCodeQuality holds the report to GitLab's documentation: these fields and no byte order mark, a
// fingerprint of its own that the next run repeats, a path from the root of the repository.
func TestCodeQuality(t *testing.T) {
	t.Parallel()
	read := func(ratio float64) (found []issue) {
		run := goodRun()
		run.Started = time.Unix(int64(ratio*1e9), 0)
		run.Cells[queueBus].Ratio, run.Cells[queueBus].OverheadNs = ptr(around(ratio)), ptr(around(50_000))
		d := json.NewDecoder(strings.NewReader(all(t, goodBudgets, run, "").quality))
		d.DisallowUnknownFields()
		if err := d.Decode(&found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	first, again := read(1.5), read(1.7)
	if len(first) != 2 || len(again) != 2 || first[0].Fingerprint == first[1].Fingerprint || first[0].Fingerprint != again[0].Fingerprint || first[0].Description == again[0].Description {
		t.Errorf("%+v, then %+v", first, again)
	}
	for _, i := range first {
		if i.Location.Path != "ci/b.yaml" || i.Location.Lines.Begin != 8 || i.Check == "" || !slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, i.Severity) {
			t.Errorf("%+v", i)
		}
	}
}
