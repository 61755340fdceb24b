package inference

// A Verdict is what an interval allows to say.
type Verdict string

// The four verdicts. The whole interval has to clear a limit.
const (
	Within       Verdict = "within"       // all of it is at or below the limit
	Over         Verdict = "over"         // all of it is above
	Equivalent   Verdict = "equivalent"   // all of it lies within the margin round no change
	Inconclusive Verdict = "inconclusive" // none of these
)

// AgainstLimit judges against a limit that must not be passed.
func AgainstLimit(i Interval, limit float64) Verdict {
	switch {
	case i.Lo > limit:
		return Over
	case i.Hi <= limit:
		return Within
	}
	return Inconclusive
}

// AgainstNone judges whether there is a change from none, which is where it would be
// if nothing had changed: over when all of the interval is above it, within when all
// is below, equivalent when all lies within margin of it on either side.
func AgainstNone(i Interval, none, margin float64) Verdict {
	switch {
	case i.Lo >= none-margin && i.Hi <= none+margin:
		return Equivalent
	case i.Lo > none:
		return Over
	case i.Hi < none:
		return Within
	}
	return Inconclusive
}
