package runner

import (
	"github.com/jedib0t/go-pretty/v6/table"

	"rubato/reports"
)

// ledgerTable is what measuring costs, of a run that asked; "" of others.
func ledgerTable(run *reports.Run) string {
	if len(run.Ledger) == 0 {
		return ""
	}
	t := plainTable()
	t.AppendHeader(table.Row{"what measuring costs", "style", "instrument", "cost", "answer"})
	for _, o := range run.Ledger {
		cost := o.Arm
		cost.Ratio = o.Cost
		t.AppendRow(table.Row{cellName(o.Arm), o.Arm.Style, o.Instrument, ratioOf(cost), o.Answer()})
	}
	return "\n" + t.Render() + "\n"
}
