package command

import (
	"errors"
	"flag"
	"slices"
	"testing"
	"time"
)

// every is a set with a flag of each kind.
func every() (flags *flag.FlagSet, margin *float64) {
	flags, margin = Flags("test"), new(float64)
	flags.Bool("quick", false, "")
	flags.Uint64("seed", 0, "a whole number, such as 7")
	flags.Duration("time", time.Second, "a time, such as 90s")
	flags.String("out", "", "a folder")
	flags.Func("set", "key=value", func(text string) error { return errors.New("no key in " + text) })
	ShareVar(flags, margin, "margin", 0.02, "a share, such as 0.02 or 2%")
	return flags, margin
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  []string
		names []string
		says  string
	}{
		{[]string{"a", "-quick", "b", "--seed=7", "c"}, []string{"a", "b", "c"}, ""},
		{[]string{"a", "--", "-b", "-c"}, []string{"a", "-b", "-c"}, ""},
		{nil, nil, ""},
		{[]string{"-time", "90"}, nil, `-time 90: want a time, such as 90s`},
		{[]string{"-seed", "1.5"}, nil, `-seed 1.5: want a whole number, such as 7`},
		{[]string{"-seed", "99999999999999999999"}, nil, `-seed 99999999999999999999: want a whole number, such as 7`},
		{[]string{"-margin", "2 percent"}, nil, `-margin 2 percent: want a share, such as 0.02 or 2%`},
		{[]string{"-quick=maybe"}, nil, `-quick=maybe: want -quick alone, or true or false`},
		{[]string{"-set", `x "y"`}, nil, `no key in x "y"`},
		{[]string{"a", "-out"}, nil, `-out has no value: want a folder`},
		{[]string{"-tim", "90s"}, nil, `unknown flag "-tim": did you mean "-time"? Valid: -margin, -out, -quick, -seed, -set, -time`},
		{[]string{"a", "-h"}, nil, flag.ErrHelp.Error()},
	} {
		flags, _ := every()
		names, err := Parse(flags, c.args)
		says := ""
		if err != nil {
			says = err.Error()
		}
		if says != c.says || !slices.Equal(names, c.names) {
			t.Errorf("%q: %q, %q, want %q, %q", c.args, names, says, c.names, c.says)
		}
	}
}

// Before, a share was a number in one flag and a percentage in another. Each takes both.
func TestShare(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"2%": 0.02, "0.02": 0.02, " 150 % ": 1.5, "0": 0} {
		flags, margin := every()
		if _, err := Parse(flags, []string{"-margin", text}); err != nil || *margin != want {
			t.Errorf("%s: %v, %v, want %v", text, *margin, err, want)
		}
	}
	flags, _ := every()
	if _, err := Parse(flags, []string{"-margin", "300%"}); err != nil || Wrong(flags, "margin").Error() != "-margin 300%: want a share, such as 0.02 or 2%" {
		t.Errorf("%v, %v", err, Wrong(flags, "margin"))
	}
}
