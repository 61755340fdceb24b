package command

import (
	_ "embed"
	"slices"
	"strings"
)

// The scripts ask the program for each completion, so they know nothing that can become stale.
var (
	//go:embed completion.bash
	bash string
	//go:embed completion.zsh
	zsh string
	//go:embed completion.fish
	fish string
)

// Shells are those that Script knows.
var Shells = []string{"bash", "zsh", "fish"}

// Script has a shell complete the arguments of the program; "" for a shell that is unknown.
func (m Manual) Script(shell string) string {
	script := map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
	return strings.ReplaceAll(script, "rubato", m.Program)
}

// Complete is what may stand in place of the last word. The words are those behind the program's
// name, of which there is one at least. None: a file, or what this does not know.
func (m Manual) Complete(words []string) []Entry {
	last := words[len(words)-1]
	if len(words) == 1 {
		return beginning(last, m.commands())
	}
	flags, asked, names := m.flags(words[0]), Entry{}, 0
	for _, word := range words[1 : len(words)-1] {
		switch {
		case asked.wants != "":
			asked = Entry{}
		case strings.HasPrefix(word, "-"):
			asked = named(flags, word)
		default:
			names++
		}
	}
	name, value, joined := strings.Cut(last, "=")
	switch {
	case asked.wants != "":
		return m.values(asked, last)
	case strings.HasPrefix(last, "-") && joined:
		return prefixed(name+"=", m.values(named(flags, name), value))
	case strings.HasPrefix(last, "--"):
		return prefixed("-", beginning(last[1:], flags))
	case strings.HasPrefix(last, "-"):
		return beginning(last, flags)
	}
	return beginning(last, m.names(words[0], names))
}

// values are those of a flag, of which value has been typed.
func (m Manual) values(flag Entry, value string) []Entry {
	switch {
	case flag.wants == "KEY=VALUE":
		key, typed, valued := strings.Cut(value, "=")
		if !valued {
			keys := slices.Clone(m.Keys)
			for i := range keys {
				keys[i].Name += "="
			}
			return beginning(key, keys)
		}
		var choices []Entry
		for _, v := range named(m.Keys, key).Values {
			choices = append(choices, Entry{Name: v})
		}
		return prefixed(key+"=", listed(typed, choices))
	case flag.Name == "-styles" || flag.Name == "-style" || flag.Name == "-beside":
		return listed(value, m.Styles)
	}
	return nil
}

// listed completes the last of several values, separated by commas.
func listed(typed string, of []Entry) []Entry {
	at := strings.LastIndexByte(typed, ',') + 1
	before := strings.Split(typed[:at], ",")
	others := slices.DeleteFunc(slices.Clone(of), func(e Entry) bool { return slices.Contains(before, e.Name) })
	return prefixed(typed[:at], beginning(typed[at:], others))
}

// named is the entry with a name, in which a flag may have two dashes.
func named(of []Entry, name string) Entry {
	for _, e := range of {
		if e.Name == name || "-"+e.Name == name {
			return e
		}
	}
	return Entry{}
}

func beginning(with string, of []Entry) (found []Entry) {
	for _, e := range of {
		if strings.HasPrefix(e.Name, with) {
			found = append(found, e)
		}
	}
	return found
}

func prefixed(with string, of []Entry) []Entry {
	for i := range of {
		of[i].Name = with + of[i].Name
	}
	return of
}
