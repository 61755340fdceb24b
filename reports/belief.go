package reports

import (
	"fmt"
	"strings"

	"rubato/results"
)

// belief is why the figures can be believed, and what speaks against it.
func belief(run *results.Run) []string {
	return []string{sameWorkText(run), controlsText(run), noiseText(run)}
}

func sameWorkText(run *results.Run) string {
	same, invalid, blocks := 0, 0, 0
	for i := range run.Cells {
		c := &run.Cells[i]
		if run.Scenario(c.Scenario).Pieces() {
			continue
		}
		switch {
		case c.Verdict == results.Invalid:
			invalid++
		case c.Equivalence != nil:
			same, blocks = same+1, blocks+c.Equivalence.Blocks
		}
	}
	switch {
	case invalid > 0:
		return fmt.Sprintf("Same work: no, in %s, which show no figure; in %s yes.", plural(invalid, "cell"), plural(same, "cell"))
	case same == 0:
		return "Same work: not checked; the cells are pieces of a whole."
	}
	return fmt.Sprintf("Same work: checked in %s of %s, without a difference.", plural(blocks, "block"), plural(same, "cell"))
}

func controlsText(run *results.Run) string {
	if len(run.Controls) == 0 {
		return "Controls: none in this run; -controls shows what it could have found."
	}
	sensitive := 0
	var least, most float64
	for i := range run.Controls {
		p := &run.Controls[i]
		if p.Insensitive == "" {
			sensitive++
		}
		if m := p.MinimumDetectable; m != nil {
			if least == 0 {
				least = *m
			}
			least, most = min(least, *m), max(most, *m)
		}
	}
	text := fmt.Sprintf("Controls: in %d of %s the A/A control found nothing, and an injected slowdown of %s was found.", sensitive,
		plural(len(run.Controls), "comparison"), percent(100*run.Controls[0].Share))
	if most > 0 {
		text += " Smallest effect that this run finds nine times of ten: " + percentMore(least)
		if most > least {
			text += " to " + percentMore(most) + ", by comparison"
		}
		text += "."
	}
	return text
}

// noiseText counts what the machine and the cells warn of. The banners have the words.
func noiseText(run *results.Run) string {
	warned := 0
	for _, c := range run.Cells {
		if len(c.Warnings) > 0 {
			warned++
		}
	}
	switch {
	case len(run.Machine.Warnings) == 0 && warned == 0:
		return "Noise: no warning."
	case warned == 0:
		return "Noise: " + strings.Join(run.Machine.Warnings, "; ") + "."
	}
	return fmt.Sprintf("Noise: %s with warnings, below.", plural(warned, "cell"))
}

// scope is what the figures are about.
func scope(run *results.Run) []string {
	var styles []string
	for _, s := range run.Styles {
		styles = append(styles, s.Name+": "+s.Doc)
	}
	m := run.Machine
	where := fmt.Sprintf("Measured on %s, %s, %s/%s, %s.", m.CPU, plural(m.Cores, "core"), m.OS, m.Arch, m.Go)
	if v := settingText(run, "commit"); v != "" {
		where += " Durable is what SQLite has committed, with " + v + "."
	}
	if v := settingText(run, "transport"); v != "" {
		where += " Transport of messages: " + v + "."
	}
	where += " Absolute figures hold for this machine only."
	var all []string
	if len(run.Scenarios) == 1 {
		all = append(all, question(run, run.Scenarios[0]))
	}
	if len(styles) > 0 {
		all = append(all, "Styles: "+strings.Join(styles, "; ")+".")
	}
	return append(all, where)
}

// settingText is the value of a setting in the cells that have it, or all its values.
func settingText(run *results.Run, name string) string {
	var values []string
	for i := range run.Cells {
		if check := run.Cells[i].Equivalence; check != nil {
			for _, s := range check.Settings {
				if s.Name == name {
					values = results.AddOnce(values, s.Value)
				}
			}
		}
	}
	return strings.Join(values, " or ")
}
