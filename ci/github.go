package ci

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
)

// Workflow commands of GitHub Actions: lines that its runner reads on stdout and stderr.

var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// mostSaid is how many rows an annotation names.
const mostSaid = 8

// annotations are workflow commands that mark a budget's line in the change: one for each budget that
// is not certainly kept, since GitHub shows ten of a kind, and one for each reason that is about
// the whole run.
func annotations(s shown) (lines []string) {
	for _, t := range s.troubles() {
		level, message := "warning", []string{}
		if t.failing {
			level = "error"
		}
		for i, r := range t.rows {
			if i == mostSaid {
				message = append(message, fmt.Sprintf("%d more", len(t.rows)-i))
				break
			}
			message = append(message, r.said())
		}
		lines = append(lines, annotation(level, inside(s.root, t.file), t.line, t.name, strings.Join(message, "\n")))
	}
	level := "warning"
	if s.Exit != ExitWithin {
		level = "error"
	}
	for _, why := range s.whole() {
		lines = append(lines, annotation(level, "", 0, "rubato gate", why))
	}
	return lines
}

func annotation(level, file string, line int, title, message string) string {
	at := ""
	if file != "" {
		at = fmt.Sprintf("file=%s,line=%d,", commandProperty.Replace(file), max(line, 1))
	}
	return fmt.Sprintf("::%s %stitle=%s::%s\n", level, at, commandProperty.Replace(title), commandData.Replace(message))
}

// inside is the path of a file from the root of the repository, as annotations and code quality
// reports want it. A file elsewhere stays as it is.
func inside(root, file string) string {
	path, err := filepath.Abs(file)
	if root != "" && err == nil {
		if local, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(local) {
			return filepath.ToSlash(local)
		}
	}
	return filepath.ToSlash(filepath.Clean(file))
}

// uncommanded keeps the runner from reading commands in a text that holds names from outside.
func uncommanded(text string) string {
	token := rand.Text()
	return "::stop-commands::" + token + "\n" + text + "::" + token + "::\n"
}

// stepSummary is the answer of the report and the table, for the page of the job.
func stepSummary(s shown) string {
	const room = 1_000_000 // GitHub refuses more than 1 MiB
	text := ""
	if len(s.report) > 0 {
		text = inert(string(s.report)) + "\n"
	}
	return text + inert(s.markdown(room-len(text)))
}
