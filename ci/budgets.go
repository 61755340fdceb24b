package ci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// BudgetsSchema is the version of the budgets file that this package reads.
const BudgetsSchema = 1

// Limits of a budgets file. The parser's memory grows with the square of the nesting,
// so what is too deep never reaches it.
const (
	maxBudgetsFile = 64 << 10 // bytes; a budgets file is a page or two
	maxLine        = 500      // bytes
	maxNesting     = 16       // brackets and braces open at once
	maxFaults      = 20       // told at once; more are counted
)

// Budgets are the promises of one file.
type Budgets struct {
	File     string // for messages
	Baseline string // the style that ratio and overhead_us are to
	// RequireProof: a run without a twin and a plant is blind.
	RequireProof bool
	List         []Budget
}

// A Budget is a promise about one or more cells of a run.
type Budget struct {
	Name      string
	Scenarios []string          // at least one
	Styles    []string          // empty: every style
	Options   map[string]string // those of a cell that must have these values
	Figure    string            // the measure that max and min are of; empty: Limits name quantities
	Limits    []Limit           // at least one
	Source    string            // the document and section that the promise is from
	line      int
	lines     map[string]int // of each field, "scenario" or "options.mode"
}

// A Limit is one figure that a budget allows, in the unit of its quantity.
type Limit struct {
	Quantity string
	Value    float64
	line     int
}

// A Fault is one thing wrong in a budgets file.
type Fault struct {
	File    string
	Line    int    // from 1; 0 when the whole file is meant
	Field   string // path such as budgets[2].limits.ratio; may be empty
	Problem string // what is wrong and what would be right
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

// Faults are all that is wrong in a budgets file, in its order.
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

// ReadBudgets reads and checks a budgets file. What is wrong in it comes back as
// Faults.
func ReadBudgets(path string) (Budgets, error) {
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
	return ParseBudgets(path, data)
}

// ParseBudgets reads budgets from YAML. The file name only serves the messages.
func ParseBudgets(file string, data []byte) (Budgets, error) {
	if len(data) > maxBudgetsFile {
		return Budgets{}, Faults{{File: file, Problem: fmt.Sprintf("longer than %d KiB; is it a budgets file?", maxBudgetsFile>>10)}}
	}
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

// tooDeep finds the first line that is too long, which bounds how deep blocks nest,
// or at which too many brackets are open. It does not know quotes and comments, and
// need not: no honest file comes near.
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
