package inference

import (
	"errors"
	"fmt"
	"math"
)

// ErrDependent means that the rows cannot tell what one column adds from what others add.
var ErrDependent = errors.New("columns depend on each other")

// A Dependent is ErrDependent with the column.
type Dependent struct{ Column int }

func (d Dependent) Error() string { return fmt.Sprintf("%v: column %d", ErrDependent, d.Column) }
func (d Dependent) Unwrap() error { return ErrDependent }

// LeastSquares are the factors of the columns with the least weighted squares of what is left:
// Σ weight·(y − Σ factor·column)². It turns the rows by Givens, one after the other, which loses
// fewer digits than normal equations do. Each row has as many columns; each weight is above 0.
//
// Rejected: gonum's mat, which does the same and adds 270 kB to a binary that is near its limit.
func LeastSquares(rows [][]float64, y, weights []float64) ([]float64, error) {
	if len(rows) == 0 {
		return nil, ErrNoValues
	}
	n := len(rows[0])
	r, size := make([][]float64, n), make([]float64, n) // upper triangle with its right side; lengths of columns
	for i := range r {
		r[i] = make([]float64, n+1)
	}
	for k, row := range rows {
		turned := append(append(make([]float64, 0, n+1), row...), y[k])
		for i := range turned {
			turned[i] *= math.Sqrt(weights[k])
			if math.IsNaN(turned[i]) || math.IsInf(turned[i], 0) {
				return nil, fmt.Errorf("row %d of %d: value %d is %v", k+1, len(rows), i+1, turned[i])
			}
		}
		for i := range n {
			size[i] = math.Hypot(size[i], turned[i])
		}
		for i := range n {
			turn(r[i], turned, i)
		}
	}
	factors := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		if math.Abs(r[i][i]) <= 1e-9*size[i] {
			return nil, Dependent{i}
		}
		factors[i] = r[i][n]
		for j := i + 1; j < n; j++ {
			factors[i] -= r[i][j] * factors[j]
		}
		factors[i] /= r[i][i]
	}
	return factors, nil
}

// turn rotates two rows so that column i of the second is 0.
func turn(first, second []float64, i int) {
	length := math.Hypot(first[i], second[i])
	if length == 0 {
		return
	}
	c, s := first[i]/length, second[i]/length
	for j := i; j < len(first); j++ {
		first[j], second[j] = c*first[j]+s*second[j], c*second[j]-s*first[j]
	}
}
