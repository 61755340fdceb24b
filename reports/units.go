package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"rubato/results"
)

const (
	minus     = "\u2212"
	noBreak   = "\u00a0"
	noFigure  = "–"
	secondary = "\n" // starts a value's second line: its interval or its parts
)

// figure is x with three significant digits and grouped thousands.
func figure(x float64) string {
	a := math.Abs(x)
	digits := 2
	switch {
	case a == 0:
		return "0"
	case a < 1e-6:
		return strconv.FormatFloat(x, 'e', 1, 64)
	case a >= 99.95:
		digits = 0
	case a >= 9.995:
		digits = 1
	case a < 0.9995:
		digits = 2 - int(math.Floor(math.Log10(a)))
	}
	return grouped(x, digits)
}

func grouped(x float64, digits int) string {
	s := strconv.FormatFloat(math.Abs(x), 'f', digits, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && len(whole) > 4; i -= 3 {
		whole = whole[:i] + noBreak + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if x < 0 {
		return minus + whole
	}
	return whole
}

// Compact is x with at most four significant digits and grouped thousands, such as a limit
// that a person wrote.
func Compact(x float64) string {
	if math.Abs(x) >= 1e4 {
		return grouped(x, 0)
	}
	return strings.Replace(fmt.Sprintf("%.4g", x), "-", minus, 1)
}

func count(n int64) string { return grouped(float64(n), 0) }

func signed(x float64) string {
	return plus(figure)(x)
}

// timeUnit is the unit in which ns reads best.
func timeUnit(ns float64) (scale float64, unit string) {
	switch a := math.Abs(ns); {
	case a < 999.5:
		return 1, "ns"
	case a < 999.5e3:
		return 1e3, "µs"
	case a < 999.5e6:
		return 1e6, "ms"
	}
	return 1e9, "s"
}

// nanoseconds is a time in the unit that suits it.
func nanoseconds(ns float64) string {
	scale, unit := timeUnit(ns)
	return figure(ns/scale) + noBreak + unit
}

// signedTime is a difference of times in the unit that suits it.
func signedTime(ns float64) string {
	scale, unit := timeUnit(ns)
	return signed(ns/scale) + noBreak + unit
}

// showUnit returns a function that writes values with their unit.
func showUnit(unit string) func(float64) string {
	switch unit {
	case "ns":
		return nanoseconds
	case "bytes":
		return memory
	case "%":
		return percent
	case "/s":
		return func(v float64) string { return figure(v) + "/s" }
	case "x":
		return times
	case results.UnitPerOp:
		return figure
	case results.UnitMiB:
		return mebibytes
	case results.UnitMicro:
		return func(ns float64) string { return signed(ns/1e3) + noBreak + "µs" }
	case results.UnitJoule:
		return func(j float64) string { return figure(j*1e6) + noBreak + "µJ" }
	}
	return func(v float64) string {
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return count(int64(v))
		}
		return figure(v)
	}
}

// showDifference returns a function that writes differences between values of the unit.
func showDifference(unit string) func(float64) string {
	switch unit {
	case "ns":
		return signedTime
	case "%":
		return func(v float64) string { return signed(v) + noBreak + "points" }
	case results.UnitPerOp:
		return signed
	case results.UnitMiB:
		return func(v float64) string { return signed(v/(1<<20)) + noBreak + "MiB" }
	}
	return plus(showUnit(unit))
}

// plus writes positive values with their sign.
func plus(show func(float64) string) func(float64) string {
	return func(v float64) string {
		if v > 0 {
			return "+" + show(v)
		}
		return show(v)
	}
}

func times(x float64) string { return "×" + ratio(x) }

// memoryUnit is the binary unit in which an amount of bytes reads best.
func memoryUnit(bytes float64) (scale float64, unit string) {
	scale, unit = 1, "B"
	for _, larger := range []string{"KiB", "MiB", "GiB"} {
		if math.Abs(bytes/scale) >= 1023.5 {
			scale, unit = scale*1024, larger
		}
	}
	return scale, unit
}

func memory(bytes float64) string {
	scale, unit := memoryUnit(bytes)
	return figure(bytes/scale) + noBreak + unit
}

// timeEstimate is a time with its interval.
func timeEstimate(e results.Estimate) string { return unitEstimate(e, figure) }

// unitEstimate is a time with its interval, both in the unit that suits the median.
func unitEstimate(e results.Estimate, show func(float64) string) string {
	scale, unit := timeUnit(e.Median)
	return show(e.Median/scale) + noBreak + unit + secondary + interval(e, 1/scale, unit, show)
}

// overheadEstimate is always in µs, so that overheads are easy to compare.
func overheadEstimate(e *results.Estimate) string {
	if e == nil {
		return noFigure
	}
	return signed(e.Median/1e3) + noBreak + "µs" + secondary + interval(*e, 1e-3, "µs", signed)
}

func ratioEstimate(e *results.Estimate) string {
	if e == nil {
		return noFigure
	}
	return "×" + ratio(e.Median) + " (" + percentMore(e.Median) + ")" + secondary + interval(*e, 1, "", ratio)
}

func ratio(x float64) string {
	if x >= 10 {
		return figure(x)
	}
	return grouped(x, 3)
}

func percentMore(x float64) string {
	return signed(100*(x-1)) + noBreak + "%"
}

// percentEstimate is a ratio and its interval as percentages above 1.
func percentEstimate(e results.Estimate) string {
	if !e.Bounded() {
		return percentMore(e.Median) + " (no interval)"
	}
	return percentMore(e.Median) + " (" + percentMore(e.Lo) + " … " + percentMore(e.Hi) + ")"
}

func interval(e results.Estimate, scale float64, unit string, show func(float64) string) string {
	if !e.Bounded() {
		return "no interval"
	}
	s := show(e.Lo*scale) + " … " + show(e.Hi*scale)
	if unit != "" {
		s += noBreak + unit
	}
	return s
}

func percent(x float64) string { return figure(x) + noBreak + "%" }

func mebibytes(bytes float64) string {
	if bytes <= 0 {
		return noFigure
	}
	return figure(bytes/(1<<20)) + noBreak + "MiB"
}

// inline is a two-line value on one line: "1.2 ms (1.1 … 1.3)".
func inline(s string) string {
	first, second, ok := strings.Cut(s, secondary)
	if !ok {
		return s
	}
	return first + " (" + strings.ReplaceAll(second, secondary, "; ") + ")"
}

// oneLine is s on one line. Every kind of space becomes a plain space. Characters that
// cannot be printed become a replacement mark, such as control characters and those that
// change the direction of writing.
func oneLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer(noBreak, " ", secondary, " ").Replace(plain(s)))
}

// plain is like oneLine, but keeps no-break spaces and line ends.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case string(r) == noBreak || string(r) == secondary || unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
