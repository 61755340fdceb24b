package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

const (
	minus     = "\u2212"
	noBreak   = "\u00a0"
	noFigure  = "–"
	secondary = "\n" // a value's second line: its interval or its parts
)

// figure is x to three significant digits, thousands apart.
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

func count(n int64) string { return grouped(float64(n), 0) }

func signed(x float64) string {
	if x > 0 {
		return "+" + figure(x)
	}
	return figure(x)
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

// timeEstimate is a time with its interval.
func timeEstimate(e Estimate) string {
	scale, unit := timeUnit(e.Median)
	return figure(e.Median/scale) + noBreak + unit + secondary + interval(e, 1/scale, unit, figure)
}

// overheadEstimate is always in µs, so that one can be read against another.
func overheadEstimate(e *Estimate) string {
	if e == nil {
		return noFigure
	}
	return signed(e.Median/1e3) + noBreak + "µs" + secondary + interval(*e, 1e-3, "µs", signed)
}

func ratioEstimate(e *Estimate) string {
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

// percentEstimate is a ratio and its interval as what is more.
func percentEstimate(e Estimate) string {
	if !e.Bounded() {
		return percentMore(e.Median) + " (no interval)"
	}
	return percentMore(e.Median) + " (" + percentMore(e.Lo) + " … " + percentMore(e.Hi) + ")"
}

func interval(e Estimate, scale float64, unit string, show func(float64) string) string {
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
	return fmt.Sprintf("%s"+noBreak+"MiB", figure(bytes/(1<<20)))
}

// inline is a two-line value on one line: "1.2 ms (1.1 … 1.3)".
func inline(s string) string {
	first, second, ok := strings.Cut(s, secondary)
	if !ok {
		return s
	}
	return first + " (" + strings.ReplaceAll(second, secondary, "; ") + ")"
}

// oneLine is s on one line, with a plain space for every kind of space and a mark
// for what cannot be printed, such as a control character or one that turns the
// direction of writing.
func oneLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer(noBreak, " ", secondary, " ").Replace(plain(s)))
}

// plain is oneLine with its no-break spaces and line ends.
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
