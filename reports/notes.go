package reports

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"rubato/results"
)

// Notes are texts in order, each with the names that it concerns. Texts that differ in
// figures and quotations alone are one note, which shows the first: one cause in fifty cells
// is one line. Whole notes leave nothing out.
type Notes struct {
	Whole  bool
	order  []string // shapes
	texts  map[string]string
	varied map[string]bool
	names  map[string][]string
}

// variable is what may differ in texts of one shape.
var variable = regexp.MustCompile(`"[^"]*"|[0-9][0-9.,]*`)

// Add adds a name to the note with this text, or one alike.
func (n *Notes) Add(text, name string) {
	if n.texts == nil {
		n.texts, n.varied, n.names = map[string]string{}, map[string]bool{}, map[string][]string{}
	}
	shape := text
	if !n.Whole {
		shape = variable.ReplaceAllString(text, "0")
	}
	if first, known := n.texts[shape]; !known {
		n.order = append(n.order, shape)
		n.texts[shape] = text
	} else if first != text {
		n.varied[shape] = true
	}
	n.names[shape] = results.AddOnce(n.names[shape], name)
}

// Lines is one line for each note: its names, a few of many, and its text.
func (n *Notes) Lines() (lines []string) {
	for _, shape := range n.order {
		names := some(n.names[shape])
		if n.Whole {
			names = strings.Join(n.names[shape], ", ")
		}
		line := names + ": " + n.texts[shape]
		if n.varied[shape] {
			line += " (figures of the first)"
		}
		lines = append(lines, line)
	}
	return lines
}

// some joins the first names of a long list.
func some(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

// A banner is what weakens the answer: at most mostNotes lines of one kind.
type banner struct{ Kind, Text string } // Kind: "incomplete", "invalid", "inconclusive", "insensitive", "warning"

// Bounds of the banners, so that one noisy cell fills no screen. The tables have all.
const (
	mostNotes   = 3
	longestNote = 240 // characters
)

// banners are what weakens the answer, the worst first. They stand after it.
func banners(run *results.Run) []banner {
	var all []banner
	add := func(kind string, lines []string) {
		for i, line := range lines {
			if i == mostNotes {
				all = append(all, banner{kind, plural(len(lines)-i, "note") + " more: see the tables"})
				return
			}
			all = append(all, banner{kind, shortened(line, longestNote)})
		}
	}
	if run.Incomplete != "" {
		add("incomplete", []string{"This run is incomplete: " + run.Incomplete + ". The report shows what was measured until then."})
	}
	for _, kind := range []string{results.Invalid, results.Inconclusive} {
		var why Notes
		for _, c := range run.Cells {
			if c.Verdict == kind {
				why.Add(c.Why, c.Scenario+" "+c.Label())
			}
		}
		add(kind, why.Lines())
	}
	var why Notes
	for i := range run.Controls {
		if p := &run.Controls[i]; p.Insensitive != "" {
			why.Add(p.Insensitive, p.Comparison())
		}
	}
	add("insensitive", why.Lines())
	var warned Notes
	for i := range run.Cells {
		warned.addWarnings(&run.Cells[i], run.Cells[i].Scenario+" "+run.Cells[i].Label())
	}
	add("warning", run.Machine.Warnings)
	add("warning", warned.Lines())
	return all
}

func (n *Notes) addWarnings(c *results.Cell, name string) {
	for _, w := range c.Warnings {
		n.Add(w, name)
	}
}

// looked are the profiles, each with why it cannot be read, if it cannot.
func looked(dir string, profiles []results.Profile) []results.Profile {
	all := slices.Clone(profiles)
	folder, err := os.OpenRoot(dir)
	if err == nil {
		defer folder.Close()
	}
	for i := range all {
		p := &all[i]
		if p.Lost = "cannot be read"; err != nil {
			continue
		}
		f, err := folder.Open(p.Path) // not through a link that leads elsewhere
		if errors.Is(err, fs.ErrNotExist) {
			p.Lost = "is missing"
		}
		if err != nil {
			continue
		}
		if _, err = profile.Parse(io.LimitReader(f, maxProfile)); err == nil {
			p.Lost = ""
		}
		_ = f.Close()
	}
	return all
}

// lostProfiles leaves out the profiles that are lost, and names them.
func lostProfiles(details *results.Details) (named []banner) {
	var why Notes
	details.Profiles = slices.DeleteFunc(slices.Clone(details.Profiles), func(p results.Profile) bool {
		if p.Lost != "" {
			why.Add("the profile "+p.Lost+", so the functions of its arm are not shown", p.Path)
		}
		return p.Lost != ""
	})
	for _, line := range why.Lines() {
		named = append(named, banner{"missing", line})
	}
	return named
}
