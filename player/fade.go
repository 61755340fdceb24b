package player

// Curve is the shape of a fade. The formulas are domain.md's; t runs from 0 to 1.
type Curve string

const (
	Linear      Curve = "linear"      // t, and 1-t
	Exponential Curve = "exponential" // t²: the usual way in
	Logarithmic Curve = "logarithmic" // (1-t)²: the usual way out
	Cosine      Curve = "cosine"      // ½(1∓cos πt)
	EqualPower  Curve = "equal-power" // sin(πt/2), and cos(πt/2)
)

// Valid tells whether c is one of the curves.
func (c Curve) Valid() bool {
	switch c {
	case Linear, Exponential, Logarithmic, Cosine, EqualPower:
		return true
	}
	return false
}

// In is how loud a sound is at t of its fade-in: 0 at 0, 1 at 1. Exponential and
// logarithmic are one pair: each is t² in and (1-t)² out. What lies outside 0 to 1
// is taken for the nearer end, and a curve that is not valid is linear.
func (c Curve) In(t float64) float64 {
	t = min(max(t, 0), 1)
	switch c {
	case Exponential, Logarithmic:
		return float64(t * t)
	case Cosine:
		s := quarterSine(t)
		return float64(s * s) // ½(1-cos πt) = sin²(πt/2)
	case EqualPower:
		return quarterSine(t)
	}
	return t
}

// Out is how loud a sound is at t of its fade-out: 1 at 0, 0 at 1. Every curve
// goes out as it comes in, backwards.
func (c Curve) Out(t float64) float64 { return c.In(1 - min(max(t, 0), 1)) }

// sineTerms are 1/3!, 1/5!, … with their signs, the highest power first.
var sineTerms = [...]float64{
	1.0 / 51090942171709440000, -1.0 / 121645100408832000, 1.0 / 355687428096000, -1.0 / 1307674368000,
	1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6,
}

// quarterSine is sin(πt/2) for t in 0 to 1, by its series to the 21st power, which
// is right to 5e-16 there.
//
// It is not math.Sin, which is Go on amd64 and on arm64, but which the compiler
// gives fused multiply-adds on arm64 (12 of them) and not on amd64: the last bit
// differs, and the digest over the sound with it. A conversion between a product and
// a sum forbids the fusion.
func quarterSine(t float64) float64 {
	const halfPi = 1.57079632679489661923132169163975144
	if t >= 1 {
		return 1
	}
	x := float64(t * halfPi)
	square := float64(x * x)
	sum := 0.0
	for _, term := range sineTerms {
		sum = float64((sum + term) * square)
	}
	return x + float64(x*sum)
}
