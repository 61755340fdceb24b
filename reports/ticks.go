package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

func percentileTicks() []plot.Tick {
	var ticks []plot.Tick
	for _, q := range []float64{0, 50, 75, 90, 95, 99, 99.5, 99.9} {
		ticks = append(ticks, plot.Tick{Value: -math.Log10(1 - q/100), Label: fmt.Sprintf("%g %%", q)})
	}
	return ticks
}

// latencyTicks labels 1, 2 and 5 of each power of ten, with units; more of them when
// the axis is short, only the powers when it is long.
type latencyTicks struct{}

func (latencyTicks) Ticks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	switch span := math.Log10(hi / lo); {
	case span > 3:
		steps = []float64{1}
	case span < 0.8:
		steps = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	}
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 1.0; m < 10; m++ {
			t := plot.Tick{Value: m * math.Pow(10, e)}
			if t.Value < lo || t.Value > hi {
				continue
			}
			if slices.Contains(steps, m) {
				scale, unit := timeUnit(t.Value)
				t.Label = fmt.Sprintf("%g %s", math.Round(t.Value/scale), unit)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// evenTicks labels about six multiples of 1, 2 or 5 times a power of ten.
type evenTicks struct{}

func (evenTicks) Ticks(lo, hi float64) []plot.Tick {
	step := evenStep((hi - lo) / 6)
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	var ticks []plot.Tick
	digits := max(0, -int(math.Floor(math.Log10(step))))
	for n := math.Ceil(lo / step); n*step <= hi; n++ {
		label := strings.Replace(strconv.FormatFloat(n*step+0, 'f', digits, 64), "-", minus, 1) // + 0: no -0
		ticks = append(ticks, plot.Tick{Value: n * step, Label: label})
	}
	return ticks
}

func evenStep(rough float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough {
			return m * power
		}
	}
	return 10 * power
}
