// Package command reads the arguments of a command: flags and names in any order. An error
// says what the flag wants, or which valid name is nearest. From the texts of -h it makes what
// shells complete and the manual page. It prints nothing and knows no command. command.go reads
// the arguments; nearest.go finds the nearest name; complete.go completes a word; manual.go
// reads help texts and sets the page.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Flags is a flag set that prints nothing. The usage of a flag is what it wants, with an
// example: "a time, such as 90s". It completes "-time 90: want …".
func Flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// Parse reads flags in any position, and returns the names between them. All after "--" are
// names. The error is flag.ErrHelp, or one for the user.
func Parse(flags *flag.FlagSet, args []string) (names []string, err error) {
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, explained(flags, err)
		}
		rest := flags.Args()
		if used := len(args) - len(rest); used > 0 && args[used-1] == "--" {
			return append(names, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		names, args = append(names, rest[0]), rest[1:]
	}
	return names, nil
}

// ParseLeading reads the flags before the first name, and returns that name and all after it.
func ParseLeading(flags *flag.FlagSet, args []string) (rest []string, err error) {
	if err := flags.Parse(args); err != nil {
		return nil, explained(flags, err)
	}
	return flags.Args(), nil
}

// Wrong is the error for a flag whose value was read, but is not one that it wants.
func Wrong(flags *flag.FlagSet, name string) error {
	f := flags.Lookup(name)
	return fmt.Errorf("-%s %s: want %s", name, f.Value, f.Usage)
}

// Unknown is the error for a name that is not valid, with one that is near, if there is any.
func Unknown(what, name string, valid []string) error {
	if len(valid) == 0 {
		return fmt.Errorf("unknown %s %q: there is none to choose from", what, name)
	}
	mean := "."
	if near := Nearest(name, valid); near != "" {
		mean = fmt.Sprintf(": did you mean %q?", near)
	}
	return fmt.Errorf("unknown %s %q%s Valid: %s", what, name, mean, strings.Join(valid, ", "))
}

// UnknownFlag is the error for a flag that does not exist.
type UnknownFlag struct {
	Name string
	error
}

// The errors of package flag have no types.
var (
	unknownFlag = "flag provided but not defined: -"
	noValue     = "flag needs an argument: -"
	badValue    = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^ :]+): (.*)$`)
)

// explained is an error of package flag in terms of what the user can do.
func explained(flags *flag.FlagSet, err error) error {
	message := err.Error()
	if name, found := strings.CutPrefix(message, unknownFlag); found {
		var valid []string
		flags.VisitAll(func(f *flag.Flag) { valid = append(valid, "-"+f.Name) })
		return UnknownFlag{name, Unknown("flag", "-"+name, valid)}
	}
	if name, found := strings.CutPrefix(message, noValue); found {
		return fmt.Errorf("-%s has no value: want %s", name, flags.Lookup(name).Usage)
	}
	parts := badValue.FindStringSubmatch(message)
	if parts == nil {
		return err
	}
	value, _ := strconv.Unquote(parts[1])
	name, why := parts[2], parts[3]
	f := flags.Lookup(name)
	if is, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && is.IsBoolFlag() {
		return fmt.Errorf("-%s=%s: want -%[1]s alone, or true or false", name, value)
	}
	if why != "parse error" && why != "value out of range" { // the flag's own words
		return errors.New(why)
	}
	return fmt.Errorf("-%s %s: want %s", name, value, f.Usage)
}

// ShareVar defines a flag for a share: 0.02, or 2%.
func ShareVar(flags *flag.FlagSet, p *float64, name string, value float64, usage string) {
	*p = value
	flags.Var(&share{p, strconv.FormatFloat(value, 'g', -1, 64)}, name, usage)
}

type share struct {
	value *float64
	text  string // as it was typed
}

func (s *share) String() string { return s.text }

func (s *share) Set(text string) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return errors.New("parse error")
	}
	if percent {
		x /= 100
	}
	*s.value, s.text = x, text
	return nil
}

// Program is the name that the program was started with: rubato, or another that measures a suite of
// its own.
func Program() string { return filepath.Base(os.Args[0]) }

// Named has a text that speaks of commands such as "rubato run" speak of this program's.
func Named(text string) string { return strings.ReplaceAll(text, "rubato ", Program()+" ") }
