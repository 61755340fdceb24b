package inference

import "slices"

// Williams are orders of n arms in which every arm stands at every place equally often
// and follows every other arm equally often, so that what one arm leaves behind for the
// next (warm caches, a late garbage collection) meets all arms alike. There are n orders
// when n is even and 2n when it is odd. Each order lists arms from 0 to n-1.
//
// Source: Williams, "Experimental designs balanced for the estimation of residual
// effects of treatments", Australian Journal of Scientific Research A 2 (1949).
func Williams(n int) [][]int {
	first := make([]int, n) // 0, n-1, 1, n-2, …: each distance between neighbours occurs once
	for i := range first {
		if first[i] = i / 2; i%2 == 1 {
			first[i] = n - 1 - i/2
		}
	}
	var orders [][]int
	for shift := range n {
		order := make([]int, n)
		for i, arm := range first {
			order[i] = (arm + shift) % n
		}
		orders = append(orders, order)
	}
	if n%2 == 0 {
		return orders
	}
	for _, order := range orders[:n] {
		mirrored := slices.Clone(order)
		slices.Reverse(mirrored)
		orders = append(orders, mirrored)
	}
	return orders
}
