package reports

import (
	"fmt"
	"slices"
	"strings"
)

// A Setting is what a style really ran under, as whatever has the setting told it.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Asked string `json:"asked,omitempty"` // what Value has to be; empty: nothing was asked
	Own   bool   `json:"own,omitempty"`   // of the style alone: others need not have the same
}

// A Certificate shows that a cell did the work of its baseline. A cell without one
// has no ratio.
type Certificate struct {
	Transcript string    `json:"transcript"` // digest of the untimed script
	Blocks     int       `json:"blocks"`     // timed blocks that were held against the baseline's
	Payload    int64     `json:"payload"`    // bytes that the timed effects hold, as read back
	Visited    int64     `json:"visited"`    // rows that the style read to have them
	Keys       bool      `json:"keys"`       // order within each key was compared
	Settings   []Setting `json:"settings,omitempty"`
}

// certified tells whether the cell's work is shown to be the baseline's. Results from
// before there were certificates have none, and are as good as they were.
func (c *Cell) certified(run *Run) bool {
	some := slices.ContainsFunc(run.Cells, func(c Cell) bool { return c.Certificate != nil })
	return c.Certificate != nil || !some
}

// witness sums up what the timed blocks add to the certificate.
func (c *Cell) witness(blocks []Block) {
	if c.Certificate == nil {
		return
	}
	sum := *c.Certificate
	sum.Blocks, sum.Payload, sum.Visited, sum.Keys = len(blocks), 0, 0, len(blocks) > 0
	for _, b := range blocks {
		sum.Payload += b.Payload
		sum.Visited += b.Visited
		sum.Keys = sum.Keys && b.Keys != ""
	}
	c.Certificate = &sum
}

// certificateSection is what shows that the work was the same; none if nothing does.
func certificateSection(run *Run) []section {
	t := grid{Text: []int{0, 1, 5, 6},
		Head: []string{"cell", "transcript", "blocks", "payload", "rows read", "order per key", "settings of its own"}}
	shared := map[string]string{}
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Certificate == nil || run.scenario(c.Scenario).pieces() {
			continue
		}
		t.Rows = append(t.Rows, c.certificateRow())
		for _, s := range c.Certificate.Settings {
			if !s.Own {
				shared[s.Name+" "+s.Value] = s.Name
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	text := []string{"Transcripts, and in every block effects, payload, rows read, order per key and what is stored, were compared between the styles of a contest; each style's settings with what was asked, and over its blocks."}
	if len(shared) > 0 {
		text = append(text, "Settings that all styles of a contest share: "+sharedText(shared))
	}
	text = append(text, certificateCost(run))
	return []section{{ID: "same-work", Title: "Same work", Text: text, Grids: []grid{t}, Folded: "Certificates and settings"}}
}

// certificateCost says what it costs to show all that, where the run has measured it.
func certificateCost(run *Run) string {
	var costs []string
	for _, o := range run.Ledger {
		if o.Instrument == CertificateInstrument && o.Cost != nil {
			costs = append(costs, strings.TrimSpace(o.Arm.Scenario+" "+o.Arm.optionsLabel())+" "+percentEstimate(*o.Cost))
		}
	}
	if len(costs) == 0 {
		return "Lines go into digests within the clock, in every style alike, which makes a ratio smaller and never larger. What that costs was not measured in this run: -ledger does."
	}
	return "Lines go into digests within the clock, in every style alike, which makes a ratio smaller and never larger. It costs, of the time of the baseline: " + strings.Join(costs, "; ") + "."
}

// sharedText lists settings by name, each with the values it had in the run.
func sharedText(shared map[string]string) string {
	values := map[string][]string{}
	for both, name := range shared {
		values[name] = append(values[name], strings.TrimPrefix(both, name+" "))
	}
	var list []string
	for name, all := range values {
		slices.Sort(all)
		list = append(list, name+" "+strings.Join(all, " or "))
	}
	slices.Sort(list)
	return strings.Join(list, "; ") + "."
}

func (c *Cell) certificateRow() row {
	cert, order := c.Certificate, "not told"
	if cert.Keys {
		order = "compared"
	}
	var own []string
	for _, s := range cert.Settings {
		if s.Own {
			own = append(own, s.Name+" "+s.Value)
		}
	}
	return row{Cells: []string{c.Scenario + " " + c.label(), cert.Transcript, fmt.Sprint(cert.Blocks),
		count(cert.Payload) + noBreak + "B", count(cert.Visited), order, strings.Join(own, "; ")}}
}
