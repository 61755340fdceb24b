package command

import (
	"strings"
	"testing"
)

func manual() Manual {
	return Manual{
		Program: "abacus", Version: "v1.2.3", Date: "2026-11-29",
		Help: "abacus counts, and\nwrites it down.\n\nCommands:\n  run       measure\n  keep      store figures\n\nTry:\n  abacus run -fast\n",
		Helps: map[string]string{
			"run": "Usage: abacus run [flags] [scenario…]\n\nMeasures.\n\n  -fast            in a hurry,\n                   with errors\n  -styles A,B      only these\n  -set KEY=VALUE   a setting\n  -out DIR         where to\n\n" +
				"Examples:\n  abacus run -out 'a\\b'\n.not a macro\n",
			"keep": "Usage: abacus keep save|list NAME [flags] [RUN]\n",
		},
		Styles:    []Entry{{Name: "plain", Doc: "adds"}, {Name: "place", Doc: "moves"}},
		Scenarios: []Entry{{Name: "journal", Doc: "What does a line cost?"}},
		Keys:      []Entry{{Name: "ink", Doc: "its colour", Values: []string{"black", "blue", "red"}}, {Name: "width", Doc: "in digits"}},
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"":                              "run keep",
		"r":                             "run",
		"x":                             "",
		"run ":                          "journal",
		"run journal ":                  "journal",
		"run -":                         "-fast -styles -set -out",
		"run --s":                       "--styles --set",
		"run -fast j":                   "journal",
		"run -styles ":                  "plain place",
		"run -styles plain j":           "journal",
		"run -styles pla":               "plain place",
		"run -styles plain,":            "plain,place",
		"run --styles=pla":              "--styles=plain --styles=place",
		"run -set ":                     "ink= width=",
		"run -set ink=b":                "ink=black ink=blue",
		"run -set ink=red,black,b":      "ink=red,black,blue",
		"run -set width=":               "",
		"run -set nothing=":             "",
		"run -set=ink=r":                "-set=ink=red",
		"run -out ":                     "",
		"keep ":                         "save list",
		"keep save ":                    "",
		"nonsense -":                    "",
		"run -nonsense -styles plain -": "-fast -styles -set -out",
	} {
		var got []string
		for _, e := range manual().Complete(strings.Split(typed, " ")) {
			got = append(got, e.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	m := manual()
	m.Complete([]string{"run", "-set", ""})
	if m.Keys[0].Name != "ink" {
		t.Error("completing changes the manual")
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	for _, shell := range Shells {
		if s := manual().Script(shell); !strings.Contains(s, "abacus") || strings.Contains(s, "rubato") {
			t.Errorf("%s: %s", shell, s)
		}
	}
	if manual().Script("tcsh") != "" {
		t.Error("tcsh")
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	const want = `.TH ABACUS 1 "2026-11-29" "abacus v1.2.3"
.SH NAME
abacus \- counts, and writes it down
.SH SYNOPSIS
.B abacus
.I command
[\fIflags\fR] [\fInames\fR]
.SH DESCRIPTION
Try:
.PP
.RS 2
.nf
abacus run \-fast
.fi
.RE
.SH COMMANDS
.SS abacus run [flags] [scenario…]
Measures.
.TP
\fB\-fast\fR
in a hurry,
with errors
.TP
\fB\-styles\fR \fIA,B\fR
only these
.TP
\fB\-set\fR \fIKEY=VALUE\fR
a setting
.TP
\fB\-out\fR \fIDIR\fR
where to
.PP
Examples:
.PP
.RS 2
.nf
abacus run \-out 'a\eb'
.fi
.RE
.PP
\&.not a macro
.SS abacus keep save|list NAME [flags] [RUN]
.SH STYLES
.TP
.B plain
adds
.TP
.B place
moves
.SH SCENARIOS
.TP
.B journal
What does a line cost?
.SH KEYS
.TP
.B ink black blue red
its colour
.TP
.B width
in digits
`
	if got := manual().Page(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
