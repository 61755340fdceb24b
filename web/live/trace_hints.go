package live

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rubato/command"
	"rubato/player"
)

// hinted is how many of the newest actions a hint is taken from.
const hinted = 1000

// hint says what exists instead of what was asked for. It is "" if that is unknown: a hint
// is no reason to fail.
func (q *traceQuestion) hint(r TraceReader) string {
	switch q.verb {
	case "why":
		rows, _ := r.Find("action = 'ap::Queue::enqueue'", hinted)
		return newest("enqueued last: ", rows, func(row player.TraceRow) string { return fmt.Sprint(passageOf(row.In)) })
	case "show":
		rows, _ := r.Find("true", hinted)
		return newest("the newest flows: ", rows, func(row player.TraceRow) string { return fmt.Sprint(row.Flow) })
	case "caused":
		return q.otherRule(r)
	}
	return q.otherNames(r)
}

// newest are the first three names of the rows.
func newest(what string, rows []player.TraceRow, name func(player.TraceRow) string) string {
	var names []string
	for _, row := range rows {
		if names = addOnce(names, name(row)); len(names) == 3 {
			break
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; " + what + strings.Join(names, ", ")
}

// otherRule is the nearest rule, or what the rule has caused outside the period.
func (q *traceQuestion) otherRule(r TraceReader) string {
	rules, _ := r.Rules()
	var names []string
	for _, x := range rules {
		if x.Rule == q.subject {
			return "; without -since and -until this rule has " + counted(int(x.Actions), "action")
		}
		names = append(names, x.Rule)
	}
	return "; rubato trace rules lists them" + command.Suggest(q.subject, names)
}

// quoted is a name in a condition.
var quoted = regexp.MustCompile(`'([^'%]+)'`)

// otherNames is the nearest name to one in the condition that the newest actions lack.
func (q *traceQuestion) otherNames(r TraceReader) string {
	rows, _ := r.Find("true", hinted)
	var names []string
	for _, row := range rows {
		for _, name := range []string{row.Rule, row.Trigger, row.Action} {
			names = addOnce(names, name)
		}
	}
	for _, name := range quoted.FindAllStringSubmatch(q.where, -1) {
		if hint := command.Suggest(name[1], names); hint != "" && !slices.Contains(names, name[1]) {
			return hint
		}
	}
	return ""
}

// addOnce appends a name that is new and not empty.
func addOnce(names []string, name string) []string {
	if name == "" || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// elsewhere says that other runs exist and were not asked.
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
