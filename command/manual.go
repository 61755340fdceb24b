package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Manual is what a program says about itself. Completions and the manual page are made from it,
// so they say what -h says.
type Manual struct {
	Program string
	Version string
	Date    string            // of the version, such as 2026-11-29; "": unknown
	Help    string            // of the program: a line for each command follows "Commands:"
	Helps   map[string]string // the text of -h, by command
	Styles  []Entry
	// Scenarios and Keys are what commands take beside flags.
	Scenarios, Keys []Entry
}

// An Entry is a name, and what it means, in one line.
type Entry struct {
	Name, Doc string
	Values    []string // of a key, if it has a list of them
	wants     string   // of a flag: what follows it; "": nothing
}

const commandsTitle = "Commands:\n"

var (
	commandLine = regexp.MustCompile(`(?m)^  ([a-z]+) +(\S.*)$`)
	flagLine    = regexp.MustCompile(`(?m)^  (-[a-z]+)(?: (\S+))?(?: {2,}(.*))?$`)
	optional    = regexp.MustCompile(`\[[^]]*\]`)
)

// commands are those of the help text, in its order.
func (m Manual) commands() (all []Entry) {
	_, text, _ := strings.Cut(m.Help, commandsTitle)
	text, _, _ = strings.Cut(text, "\n\n")
	for _, line := range commandLine.FindAllStringSubmatch(text, -1) {
		all = append(all, Entry{Name: line[1], Doc: line[2]})
	}
	return all
}

// flags are those of a command.
func (m Manual) flags(command string) (all []Entry) {
	for _, line := range flagLine.FindAllStringSubmatch(m.Helps[command], -1) {
		all = append(all, Entry{Name: line[1], wants: line[2], Doc: line[3]})
	}
	return all
}

// names are what a command takes after so many names, as its usage says: names of the suite, or
// words such as save|list.
func (m Manual) names(command string, before int) (all []Entry) {
	usage, _, _ := strings.Cut(m.Helps[command], "\n")
	_, usage, _ = strings.Cut(usage, " "+command)
	switch {
	case strings.Contains(usage, "[scenario"):
		return m.Scenarios
	case strings.Contains(usage, "[NAME"):
		return slices.Concat(m.Scenarios, m.Styles, m.Keys)
	case strings.Contains(usage, "[command"):
		return m.commands()
	case before > 0 || !strings.Contains(usage, "|"):
		return nil
	}
	for _, words := range strings.Split(optional.ReplaceAllString(usage, ""), "|") {
		word, _, _ := strings.Cut(strings.TrimSpace(words), " ")
		all = append(all, Entry{Name: word})
	}
	return all
}

// Page is the manual page, section 1, in troff's man macros.
func (m Manual) Page() string {
	var b strings.Builder
	about, rest, _ := strings.Cut(m.Help, "\n\n")
	fmt.Fprintf(&b, ".TH %s 1 %q %q\n.SH NAME\n", strings.ToUpper(m.Program), m.Date, m.Program+" "+m.Version)
	fmt.Fprintln(&b, m.Program, `\-`, troff(strings.TrimSuffix(strings.ReplaceAll(strings.TrimPrefix(about, m.Program+" "), "\n", " "), ".")))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I command\n[\\fIflags\\fR] [\\fInames\\fR]\n.SH DESCRIPTION\n", m.Program)
	_, rest, _ = strings.Cut(rest, "\n\n") // the list of commands, each of which has a section
	b.WriteString(page(rest))
	fmt.Fprintln(&b, ".SH COMMANDS")
	for _, c := range m.commands() {
		usage, text, _ := strings.Cut(m.Helps[c.Name], "\n")
		fmt.Fprintf(&b, ".SS %s\n", troff(strings.TrimPrefix(usage, "Usage: ")))
		b.WriteString(page(text))
	}
	for _, part := range []struct {
		title string
		of    []Entry
	}{{"STYLES", m.Styles}, {"SCENARIOS", m.Scenarios}, {"KEYS", m.Keys}} {
		fmt.Fprintln(&b, ".SH", part.title)
		for _, e := range part.of {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", troff(strings.Join(append([]string{e.Name}, e.Values...), " ")), troff(e.Doc))
		}
	}
	return b.String()
}

// page sets a help text that stands below a heading: flags as a list, other indented lines as they
// are, the rest as text.
func page(help string) string {
	var b strings.Builder
	const text, flags, verbatim = "text", "flags", "verbatim"
	in := ""
	begin := func(next, macros string) {
		if in == verbatim && next != verbatim {
			b.WriteString(".fi\n.RE\n")
		}
		if in != next {
			b.WriteString(macros)
		}
		in = next
	}
	for line := range strings.Lines(help) {
		line = strings.TrimRight(line, "\n")
		flag := flagLine.FindStringSubmatch(line)
		switch {
		case line == "":
			begin("", "")
			continue
		case flag != nil:
			begin(flags, "")
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", troff(flag[1]))
			if flag[2] != "" {
				fmt.Fprintf(&b, " \\fI%s\\fR", troff(flag[2]))
			}
			b.WriteString("\n")
			line = flag[3]
		case in == flags && strings.HasPrefix(line, "    "):
			line = strings.TrimSpace(line)
		case strings.HasPrefix(line, "  "):
			begin(verbatim, ".PP\n.RS 2\n.nf\n")
			line = line[2:]
		default:
			begin(text, ".PP\n")
		}
		if line != "" {
			fmt.Fprintln(&b, troff(line))
		}
	}
	begin("", "")
	return strings.TrimPrefix(b.String(), ".PP\n") // which a heading implies
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`)

// troff escapes a line. One that begins with a dot or a quote would be a macro.
func troff(line string) string {
	line = special.Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
