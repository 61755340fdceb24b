package web

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rubato/player"
)

// ask puts the question and writes the answer to out, remarks to stderr.
func (q *traceQuestion) ask(r TraceReader, out *strings.Builder, stderr io.Writer) error {
	switch q.verb {
	case "why":
		return q.why(r, out)
	case "show":
		return q.show(r, out)
	case "rules":
		return writeRules(r, out)
	case "runs":
		return writeRuns(r, out)
	}
	var rows []player.TraceRow
	var err error
	if q.verb == "find" {
		rows, err = r.Find(q.subject, q.limit)
	} else {
		rows, err = r.Caused(q.subject, q.since, q.until, q.limit)
	}
	if err != nil {
		return queryMistake(err)
	}
	for _, row := range rows {
		writeRow(out, row)
	}
	switch {
	case len(rows) == 0:
		fmt.Fprintf(stderr, "nothing found%s\n", q.elsewhere(r))
	case len(rows) == q.limit:
		fmt.Fprintf(stderr, "the newest %d; -limit shows more\n", q.limit)
	}
	return nil
}

// queryMistake tells a query that cannot be read from a trace that cannot. The
// reader's package is not known here, so that it says so by its code.
func queryMistake(err error) error {
	if player.CodeOf(err) == player.Invalid {
		return misused("%v", err)
	}
	return err
}

func (q *traceQuestion) why(r TraceReader, out *strings.Builder) error {
	passage, err := strconv.ParseInt(q.subject, 10, 64)
	if err != nil {
		return misused("passage %q is no number", q.subject)
	}
	limit := q.limit
	if q.format != "text" {
		limit = 1
	}
	flows, err := r.Why(passage, limit)
	if err != nil {
		return err
	}
	if len(flows) == 0 {
		return misused("passage %d was not enqueued, as far as the trace goes back%s", passage, q.elsewhere(r))
	}
	for i, f := range flows {
		if i > 0 {
			out.WriteByte('\n')
		}
		q.draw(f, out)
	}
	return nil
}

func (q *traceQuestion) show(r TraceReader, out *strings.Builder) error {
	token, err := strconv.ParseUint(q.subject, 10, 64)
	if err != nil {
		return misused("flow %q is no number", q.subject)
	}
	f, found, err := r.Flow(token)
	if err != nil {
		return err
	}
	if !found {
		return misused("there is no flow %d, or no more%s", token, q.elsewhere(r))
	}
	q.draw(f, out)
	return nil
}

// draw writes a flow in the format asked for.
func (q *traceQuestion) draw(f player.Flow, out *strings.Builder) {
	switch q.format {
	case "dot":
		out.WriteString(FlowDOT(f))
	case "svg":
		out.Write(FlowSVG(f))
	default:
		out.WriteString(FlowText(f))
	}
}

// elsewhere says that other runs were not asked, if there are any.
func (q *traceQuestion) elsewhere(r TraceReader) string {
	runs, err := r.Runs()
	if err != nil || len(runs) < 2 {
		return ""
	}
	asked := q.run
	if asked == 0 {
		asked = runs[0].ID
	}
	return fmt.Sprintf("; only run %d was asked, of %d: -run N asks another, rubato trace runs lists them", asked, len(runs))
}

const traceTime = "2006-01-02 15:04:05.000000"

// writeRow writes "time flow N [Rule] action took (inputs) → outputs".
func writeRow(out *strings.Builder, r player.TraceRow) {
	fmt.Fprintf(out, "%s flow %d ", r.Start.UTC().Format(traceTime), r.Flow)
	branch(out, &r)
}

func writeRules(r TraceReader, out *strings.Builder) error {
	rules, err := r.Rules()
	if err != nil {
		return err
	}
	width := len("(called from outside)")
	for _, x := range rules {
		width = max(width, len([]rune(shortened(x.Rule, longestLine))))
	}
	fmt.Fprintf(out, "%-*s  %10s  %10s  %12s  %12s\n", width, "rule", "actions", "failures", "mean", "longest")
	for _, x := range rules {
		name := shortened(x.Rule, longestLine)
		if name == "" {
			name = "(called from outside)"
		}
		fmt.Fprintf(out, "%-*s  %10d  %10d  %12v  %12v\n", width, name, x.Actions, x.Failures, x.Mean, x.Max)
	}
	return nil
}

func writeRuns(r TraceReader, out *strings.Builder) error {
	runs, err := r.Runs()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%6s  %-19s  %-19s  %10s   (UTC)\n", "run", "started", "newest action", "actions")
	for _, x := range runs {
		fmt.Fprintf(out, "%6d  %s  %s  %10d\n", x.ID, x.Started.UTC().Format(time.DateTime), x.Last.UTC().Format(time.DateTime), x.Rows)
	}
	return nil
}
