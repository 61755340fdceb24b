package workload

import (
	"maps"
	"time"

	"rubato/results"
	"rubato/runner"
)

const (
	OverheadDocument = "overhead analysis of event-driven orchestration for the player (an estimate, never measured)"
	BudgetDocument   = "overhead budgets of the same analysis"
	PlayerDocument   = "the player's own performance targets"
	NatsDocument     = "analysis of a chat bot's database writes behind NATS (one run, clock stopped with some 41 % of the work done)"
	// H. Cabane and K. Farias, "On the impact of event-driven architecture on performance: An
	// exploratory study", Future Generation Computer Systems 153, 2024, pages 52 to 69. What is
	// claimed is from its abstract. The abstract has no figures, so there are none here.
	EventDrivenStudy = "Cabane and Farias 2024, doi:10.1016/j.future.2023.10.021 (abstract)"

	// The limits that this project sets itself.
	Own = "ours, speed and size"
)

// Us is microseconds in nanoseconds, the unit of claims.
func Us(v float64) float64 { return v * float64(time.Microsecond) }

// Published is a published figure. Of, On, Added and Less say what it is compared with and
// make it a claim.
type Published struct{ claim runner.Claim }

// Estimate is a time that the overhead analysis estimates, in µs.
func Estimate(text string, lo, hi float64) Published {
	return Published{runner.Claim{Text: text, Source: OverheadDocument, Kind: "estimate", Lo: Us(lo), Hi: Us(hi)}}
}

// Budget is the longest time that a document allows, in µs.
func Budget(text, source string, hi float64) Published {
	return Published{runner.Claim{Text: text, Source: source, Kind: "budget", Hi: Us(hi)}}
}

// AtLeast is the least that a document asks for, in the unit of the quantity.
func AtLeast(text, source string, lo float64) Published {
	return Published{runner.Claim{Text: text, Source: source, Kind: "budget", Lo: lo}}
}

// AtMost is the most that a document allows, in the unit of the quantity.
func AtMost(text, source string, hi float64) Published {
	return Published{runner.Claim{Text: text, Source: source, Kind: "budget", Hi: hi}}
}

// Measured is what the analysis of the chat bot measured, in the unit of the quantity.
func Measured(text string, value float64) Published {
	return Published{runner.Claim{Text: text, Source: NatsDocument, Kind: "measured elsewhere", Lo: value, Hi: value}}
}

// Times is the largest ratio that a document allows.
func Times(text, source string, hi float64) Published {
	return Published{runner.Claim{Text: text, Source: source, Kind: "budget", Quantity: "ratio", Hi: hi}}
}

// EventDriven are the claims of a study that built one shop twice, as a monolith and
// event-driven. They are about modules that a network joins.
func EventDriven(key, value string) (claims []runner.Claim) {
	for _, c := range []struct{ text, quantity string }{
		{"a monolith has better response times than an event-driven system", "ratio"},
		{"a monolith uses less of the machine", "cpu_ratio"},
	} {
		claims = append(claims, Published{runner.Claim{Text: c.text, Source: EventDrivenStudy, Kind: "measured elsewhere", Lo: 1}}.With(key, value).Of("nats", c.quantity))
	}
	return append(claims, Published{runner.Claim{Text: "packets that both send and receive, here messages between modules", Source: EventDrivenStudy,
		Kind: results.CountedElsewhere}}.With(key, value).Of("nats", "messages_op"))
}

// UnderTwice is the budget of a whole operation in a style.
func UnderTwice(style string) runner.Claim {
	return Times("whole operation under twice direct", BudgetDocument, 2).On(style)
}

// Of says which quantity is compared; "" is all arms.
func (p Published) Of(arm, quantity string) runner.Claim {
	p.claim.Style = arm
	if p.claim.Quantity == "" {
		p.claim.Quantity = quantity
	}
	return p.claim
}

// On compares with a whole operation of an arm.
func (p Published) On(arm string) runner.Claim { return p.Of(arm, "ns_op") }

// Added compares with what an operation takes longer than the baseline's.
func (p Published) Added(arm string) runner.Claim { return p.Of(arm, "overhead_ns") }

// Less compares with the difference between two arms.
func (p Published) Less(arm, other string) runner.Claim {
	p.claim.Less = other
	return p.Added(arm)
}

// Beyond names the measure of what is not the machine's own share, and by how much that may
// be over by chance.
func (p Published) Beyond(quantity string, slack float64) Published {
	p.claim.Beyond, p.claim.Slack = quantity, slack
	return p
}

// With limits the comparison to one value of a key.
func (p Published) With(key, value string) Published {
	options := map[string]string{key: value}
	maps.Copy(options, p.claim.Options)
	p.claim.Options = options
	return p
}
