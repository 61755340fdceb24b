package inference

import (
	"errors"
	"math"
	"testing"
)

// TestLeastSquares: Longley's figures as NIST publishes them are hard for a solver that loses
// digits (Statistical Reference Datasets, "Longley", certified values).
func TestLeastSquares(t *testing.T) {
	t.Parallel()
	var rows [][]float64
	var y, weights []float64
	for _, r := range [][]float64{
		{60323, 83.0, 234289, 2356, 1590, 107608, 1947}, {61122, 88.5, 259426, 2325, 1456, 108632, 1948},
		{60171, 88.2, 258054, 3682, 1616, 109773, 1949}, {61187, 89.5, 284599, 3351, 1650, 110929, 1950},
		{63221, 96.2, 328975, 2099, 3099, 112075, 1951}, {63639, 98.1, 346999, 1932, 3594, 113270, 1952},
		{64989, 99.0, 365385, 1870, 3547, 115094, 1953}, {63761, 100.0, 363112, 3578, 3350, 116219, 1954},
		{66019, 101.2, 397469, 2904, 3048, 117388, 1955}, {67857, 104.6, 419180, 2822, 2857, 118734, 1956},
		{68169, 108.4, 442769, 2936, 2798, 120445, 1957}, {66513, 110.8, 444546, 4681, 2637, 121950, 1958},
		{68655, 112.6, 482704, 3813, 2552, 123366, 1959}, {69564, 114.2, 502601, 3931, 2514, 125368, 1960},
		{69331, 115.7, 518173, 4806, 2572, 127852, 1961}, {70551, 116.9, 554894, 4007, 2827, 130081, 1962},
	} {
		rows, y, weights = append(rows, append([]float64{1}, r[1:]...)), append(y, r[0]), append(weights, 1)
	}
	got, err := LeastSquares(rows, y, weights)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683,
		-1.03322686717359, -0.511041056535807e-01, 1829.15146461355} {
		if math.Abs(got[i]/want-1) > 1e-6 {
			t.Errorf("factor %d is %v, want %v", i, got[i], want)
		}
	}
}

// TestLeastSquaresWeighs: a value of weight 3 counts as three values do. By hand: (3·1 + 5)/4 = 2.
func TestLeastSquaresWeighs(t *testing.T) {
	t.Parallel()
	got, err := LeastSquares([][]float64{{1}, {1}}, []float64{1, 5}, []float64{3, 1})
	if err != nil || math.Abs(got[0]-2) > 1e-12 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestLeastSquaresRefuses(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][][]float64{
		"one is twice the other":  {{1, 2}, {2, 4}, {3, 6}},
		"fewer rows than columns": {{1, 2}},
		"nothing in it":           {{1, 0}, {2, 0}},
	} {
		y, weights := make([]float64, len(rows)), make([]float64, len(rows))
		for i := range weights {
			weights[i] = 1
		}
		var d Dependent
		if _, err := LeastSquares(rows, y, weights); !errors.As(err, &d) || !errors.Is(err, ErrDependent) || d.Column != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LeastSquares([][]float64{{1}}, []float64{math.NaN()}, []float64{1}); err == nil {
		t.Error("what is no number was fitted")
	}
	if _, err := LeastSquares(nil, nil, nil); !errors.Is(err, ErrNoValues) {
		t.Errorf("nothing: %v", err)
	}
}
