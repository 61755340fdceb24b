package ci

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rubato/results"
)

// BudgetsSchema is the version of the budgets file that this package reads. Version 1, without
// machines, units, severities and changes, is read, too.
const BudgetsSchema = 2

// DefaultMachine is the kind of machine for which budgets are read if none is named.
const DefaultMachine = "workstation"

// others is the style of a budget that is about all styles but the baseline.
const others = "others"

// Limits of a budgets file. The parser's memory grows with the square of the nesting, so a
// file that is nested too deeply is refused before.
const (
	maxBudgetsFile = 64 << 10 // bytes; a budgets file is a page or two
	maxLine        = 500      // bytes
	maxNesting     = 16       // brackets and braces open at once
	maxFaults      = 20       // reported in full; more are counted
)

// Budgets are the budgets of one file, for one kind of machine.
type Budgets struct {
	File     string // for messages
	Baseline string // the style that ratio and overhead are to
	// RequireControls: a run without controls is insensitive.
	RequireControls bool
	// RequireAgainst: limits of changes are inconclusive in a run without another revision, not told.
	RequireAgainst bool
	Machines       []string // kinds of machine that the file tells apart; empty: none
	Machine        string   // the kind that List is for; empty: any
	List           []Budget
}

// A Budget is about one or more cells of a run.
type Budget struct {
	Name      string
	Scenarios []string          // at least one
	Styles    []string          // empty: every style; others: all but the baseline
	Options   map[string]string // options that a cell must have
	To        *Other            // what relative limits compare with; nil: the baseline
	Figure    string            // the measure that max and min limit; empty: Limits name quantities
	Machines  []string          // kinds of machine that it is for; empty: all
	Warn      bool              // it is shown and does not fail the gate
	Limits    []Limit           // at least one
	Source    string            // the document and section that the budget is from
	line      int
	lines     map[string]int // of each field, "scenario" or "options.mode"
}

// An Other is what a cell is compared with: another arm, or the same one with other options.
type Other struct {
	Style   string
	Options map[string]string
}

// A Limit is one figure that a budget allows, in the unit that the gate judges it in: ns,
// bytes, percent or a number.
type Limit struct {
	Part     string // the field that it stands in, one of limitParts
	Quantity string // as it is written there
	Value    float64
	Unit     string // of a figure or a saving, as it is written
	Machine  string // the kind of machine that it is for; empty: all
	line     int
}

// A Fault is one error in a budgets file.
type Fault struct {
	File    string
	Line    int    // from 1; 0: the whole file
	Field   string // path such as budgets[2].limits.ratio; may be empty
	Problem string // what is wrong, and what is right
}

func (f Fault) Error() string {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	if f.Field == "" {
		return place + ": " + f.Problem
	}
	return place + ": " + f.Field + ": " + f.Problem
}

// Faults are all errors in a budgets file, in its order.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, 0, len(fs))
	for i, f := range fs {
		if i == maxFaults {
			lines = append(lines, fmt.Sprintf("%s: %d more", f.File, len(fs)-i))
			break
		}
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// ReadBudgets reads and checks a budgets file, and returns the budgets for a kind of machine. It
// returns its errors as Faults.
func ReadBudgets(path, machine string) (Budgets, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Budgets{}, fmt.Errorf("%s: no such file; name yours with -budgets FILE", path)
		}
		return Budgets{}, fmt.Errorf("read budgets: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBudgetsFile+1))
	if err != nil {
		return Budgets{}, fmt.Errorf("read budgets: %w", err)
	}
	budgets, err := ParseBudgets(path, data)
	if err != nil {
		return Budgets{}, err
	}
	return budgets.on(machine)
}

// on are the budgets and limits for a kind of machine. A file that tells none apart is for all.
func (b Budgets) on(machine string) (Budgets, error) {
	if len(b.Machines) == 0 {
		return b, nil
	}
	if b.Machine = cmp.Or(machine, DefaultMachine); !slices.Contains(b.Machines, b.Machine) {
		return Budgets{}, Faults{{File: b.File, Field: "machines", Problem: fmt.Sprintf("no machine %q; choose one with -machine; %s", b.Machine, suggest(b.Machine, b.Machines))}}
	}
	all := b.List
	b.List = nil
	for _, budget := range all {
		if len(budget.Machines) > 0 && !slices.Contains(budget.Machines, b.Machine) {
			continue
		}
		budget.Limits = slices.DeleteFunc(slices.Clone(budget.Limits), func(l Limit) bool { return l.Machine != "" && l.Machine != b.Machine })
		if len(budget.Limits) > 0 {
			b.List = append(b.List, budget)
		}
	}
	if len(b.List) == 0 {
		return Budgets{}, Faults{{File: b.File, Field: "budgets", Problem: "none is for the machine " + b.Machine + ", so nothing is gated"}}
	}
	return b, nil
}

// ParseBudgets reads budgets from YAML. The file name is only for messages.
func ParseBudgets(file string, data []byte) (Budgets, error) {
	if len(data) > maxBudgetsFile {
		return Budgets{}, Faults{{File: file, Problem: fmt.Sprintf("longer than %d KiB; is it a budgets file?", maxBudgetsFile>>10)}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // the byte order mark of other systems' editors
	if fault := tooDeep(file, data); fault != nil {
		return Budgets{}, Faults{*fault}
	}
	p := &parse{file: file}
	root := p.document(data)
	if root == nil {
		return Budgets{}, p.faults
	}
	budgets := p.root(root)
	if len(p.faults) > 0 {
		return Budgets{}, p.faults
	}
	return budgets, nil
}

// tooDeep finds the first line that is too long, which bounds how deep blocks nest, or at
// which too many brackets are open. It ignores quotes and comments, since no real file comes
// near these limits.
func tooDeep(file string, data []byte) *Fault {
	open := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(line) > maxLine {
			return &Fault{file, i + 1, "", fmt.Sprintf("longer than %d bytes; break the line", maxLine)}
		}
		for _, b := range line {
			switch b {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
		}
		if open > maxNesting {
			return &Fault{file, i + 1, "", fmt.Sprintf("%d brackets are open; budgets nest two deep", open)}
		}
	}
	return nil
}

// ofParts reports whether some limit is on a part of an operation.
func (b Budgets) ofParts() bool {
	return slices.ContainsFunc(b.List, func(b Budget) bool {
		return slices.ContainsFunc(b.Limits, func(l Limit) bool { return l.Part == inComponent || l.Part == inShare })
	})
}

// overlap reports whether some cell is one of both budgets, on some machine.
func (b Budget) overlap(other Budget, baseline string) bool {
	meet := func(x, y []string) bool {
		return len(x) == 0 || len(y) == 0 || slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) })
	}
	notBaseline := func(s string) bool { return s != baseline }
	styles := meet(b.Styles, other.Styles) ||
		slices.Contains(b.Styles, others) && slices.ContainsFunc(other.Styles, notBaseline) ||
		slices.Contains(other.Styles, others) && slices.ContainsFunc(b.Styles, notBaseline)
	return styles && meet(b.Scenarios, other.Scenarios) && meet(b.Machines, other.Machines) && results.Agree(b.Options, other.Options)
}

// contradictions finds limits of a figure that nothing keeps together.
func (p *parse) contradictions(budgets Budgets) {
	type placed struct {
		Limit
		budget int
	}
	var before []placed
	for i, b := range budgets.List {
		if b.Figure == "" {
			continue
		}
		for _, l := range b.Limits {
			for _, m := range before {
				other := budgets.List[m.budget]
				lo, hi := m.Limit, l
				if l.Quantity == least {
					lo, hi = l, m.Limit
				}
				if other.Figure == b.Figure && lo.Quantity == least && hi.Quantity == most && lo.Value > hi.Value && b.overlap(other, budgets.Baseline) &&
					(l.Machine == "" || m.Machine == "" || l.Machine == m.Machine) {
					p.faults = append(p.faults, Fault{p.file, l.line, fmt.Sprintf("budgets[%d].limits.%s", i, l.Quantity),
						fmt.Sprintf("contradicts line %d: min is over max, so nothing keeps both", m.line)})
				}
			}
			before = append(before, placed{l, i})
		}
	}
}
