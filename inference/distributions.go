package inference

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// The distributions that intervals and looks need, by gonum's special functions. Its package
// distuv has them, too, but links linear algebra with them: 2 MB of the program.

// coins is the probability of at most k heads among n tosses of a fair coin.
func coins(n, k int) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return mathext.RegIncBeta(float64(n-k), float64(k+1), 0.5)
}

// normal is the probability that a normal variable is at most x.
func normal(x, mean, deviation float64) float64 {
	return math.Erfc((mean-x)/(deviation*math.Sqrt2)) / 2
}

// normalQuantile is the value that a standard normal variable stays below with probability p.
func normalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }

// betaQuantile is that of a beta variable.
func betaQuantile(alpha, beta, p float64) float64 { return mathext.InvRegIncBeta(alpha, beta, p) }
