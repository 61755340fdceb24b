package ci

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// JUnit XML, in the form that the schema of Ant's JUnit tasks allows, which other readers take, too:
// a suite for each budget with a case for each limit, and one for the run. The text is put together
// here and escaped by encoding/xml: its encoder would add 150 kB to a program that is near its limit.

type junitSuite struct {
	name                             string
	cases, out                       strings.Builder
	tests, failures, errors, skipped int
}

// junit is the answer as test results. A limit that is over is a failure; one that cannot be told
// is an error, or skipped where it does not make the gate fail.
func junit(s shown) ([]byte, error) {
	run := &junitSuite{name: "the run"}
	for _, line := range s.explained() {
		fmt.Fprintln(&run.out, line)
	}
	why := s.whole()
	for _, w := range why {
		run.add("the answer counts", "rubato.run", s.Verdict, w, w, kindOf(s.Exit != ExitWithin, false))
	}
	if len(why) == 0 {
		run.add("the answer counts", "rubato.run", "", "", "", "")
	}
	all, at := []*junitSuite{run}, map[string]*junitSuite{}
	for _, r := range s.Rows {
		suite := at[r.Budget]
		if suite == nil {
			suite = &junitSuite{name: r.Budget}
			at[r.Budget], all = suite, append(all, suite)
		}
		kind := ""
		if r.Verdict != Within {
			kind = kindOf(s.failing(r), r.Verdict == Over)
		}
		suite.add(r.limit(), r.Cell, r.Verdict, r.said(), fmt.Sprintf("%s\n%s:%d\n%s", r.said(), r.File, r.Line, r.Source), kind)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<testsuites>\n")
	for i, suite := range all {
		seconds := 0.0
		if i == 0 {
			seconds = s.seconds
		}
		fmt.Fprintf(&b, `<testsuite name="%s" package="rubato" id="%d" timestamp="%s" hostname="localhost" tests="%d" failures="%d" errors="%d" skipped="%d" time="%.3f">`+
			"\n<properties></properties>\n%s<system-out>%s</system-out>\n<system-err></system-err>\n</testsuite>\n", escaped(suite.name), i,
			s.started.UTC().Format("2006-01-02T15:04:05"), suite.tests, suite.failures, suite.errors, suite.skipped, seconds, &suite.cases, escaped(suite.out.String()))
	}
	b.WriteString("</testsuites>\n")
	return b.Bytes(), nil
}

// kindOf is the element for a limit that is not kept.
func kindOf(failing, over bool) string {
	switch {
	case !failing:
		return "skipped"
	case over:
		return "failure"
	}
	return "error"
}

// add adds a case; an empty kind passes. What is skipped has no room for its reason in the schema.
func (s *junitSuite) add(name, class, verdict, message, text, kind string) {
	s.tests++
	fmt.Fprintf(&s.cases, `<testcase name="%s" classname="%s" time="0">`, escaped(name), escaped(class))
	switch kind {
	case "skipped":
		s.skipped++
		s.cases.WriteString("<skipped></skipped>")
		fmt.Fprintln(&s.out, message)
	case "failure", "error":
		fmt.Fprintf(&s.cases, `<%s message="%s" type="%s">%s</%[1]s>`, kind, escaped(message), escaped(verdict), escaped(text))
		if kind == "failure" {
			s.failures++
		} else {
			s.errors++
		}
	}
	s.cases.WriteString("</testcase>\n")
}

// escaped is a text for an element or an attribute; what XML cannot hold becomes a replacement mark.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes all
	return b.String()
}
