package runner

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"rubato/command"
	"rubato/results"
	"rubato/runner/host"
)

const completionHelp = `Usage: %[1]s completion bash|zsh|fish

Prints a script that has a shell complete commands, flags, scenarios, styles and -set keys
with their values. The script asks this program, so it is never older than it.

  source <(%[1]s completion bash)     in ~/.bashrc
  source <(%[1]s completion zsh)      in ~/.zshrc, after compinit
  %[1]s completion fish | source      in ~/.config/fish/config.fish
`

const manHelp = `Usage: %[1]s man

Prints the manual page, which has all of help: %[1]s man >%[1]s.1
`

// version prints what influences figures: version, commit, Go, and the libraries of the styles.
func (p program) version(names []string) error {
	if len(names) > 0 {
		return usagef("version takes no arguments, not %q", names)
	}
	version, _ := host.Version()
	commit, dirty := host.Source()
	changed := ""
	if dirty {
		changed = ", with changes"
	}
	fmt.Fprintf(p.stdout, "%s %s commit %s%s\n%s %s/%s\n", p.name, version, commit, changed, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range slices.Sorted(maps.Keys(p.suite.Versions)) {
		fmt.Fprintf(p.stdout, "%s %s\n", name, p.suite.Versions[name])
	}
	return nil
}

// completion prints a script for a shell. Behind -- stand the words that a script has: then it
// prints what may stand in place of the last, a line each, with a tab before what it means.
func (p program) completion(args []string) int {
	if len(args) > 1 && args[0] == "--" {
		for _, choice := range p.manual().Complete(args[1:]) {
			fmt.Fprintf(p.stdout, "%s\t%s\n", choice.Name, choice.Doc)
		}
		return exitPass
	}
	return p.plain("completion", args, func(names []string) error {
		if len(names) != 1 {
			return usagef("completion takes one shell, not %d: %s completion bash, zsh or fish", len(names), p.name)
		}
		if !slices.Contains(command.Shells, names[0]) {
			return unknown("shell", names[0], command.Shells)
		}
		fmt.Fprint(p.stdout, p.manual().Script(names[0]))
		return nil
	})
}

// man prints the manual page.
func (p program) man(names []string) error {
	if len(names) > 0 {
		return usagef("man takes no arguments, not %q", names)
	}
	fmt.Fprint(p.stdout, p.manual().Page())
	return nil
}

// manual is what the program says about itself.
func (p program) manual() command.Manual {
	version, made := host.Version()
	m := command.Manual{Program: p.name, Version: version, Help: p.helpOf(""), Helps: map[string]string{}}
	if !made.IsZero() {
		m.Date = made.UTC().Format(time.DateOnly)
	}
	for _, name := range p.commands() {
		m.Helps[name] = p.helpOf(name)
	}
	for _, s := range p.suite.Styles {
		m.Styles = append(m.Styles, command.Entry{Name: s.Name, Doc: s.Doc})
	}
	for _, s := range p.suite.Scenarios {
		m.Scenarios = append(m.Scenarios, command.Entry{Name: s.Name, Doc: s.Answers})
	}
	for _, use := range p.suite.keys() {
		m.Keys = addKey(m.Keys, command.Entry{Name: use.Name, Doc: use.Doc, Values: use.Values})
	}
	for _, s := range p.suite.Scenarios {
		for _, arm := range s.Arms {
			m.Keys = addKey(m.Keys, command.Entry{Name: s.ArmKey, Doc: "arms of " + s.Name, Values: []string{arm.Name}})
		}
	}
	return m
}

// addKey adds a key. Of keys with one name the first says what it means, and all say its values.
func addKey(keys []command.Entry, more command.Entry) []command.Entry {
	for i := range keys {
		if keys[i].Name == more.Name {
			for _, v := range more.Values {
				keys[i].Values = results.AddOnce(slices.Clip(keys[i].Values), v)
			}
			return keys
		}
	}
	return append(keys, more)
}

// helpOf is what help prints of a command, or of the program.
func (p program) helpOf(command string) string {
	var text bytes.Buffer
	p.stdout = &text
	if command == "" {
		p.printHelp(&text, "")
	} else {
		p.help([]string{command})
	}
	return text.String()
}
