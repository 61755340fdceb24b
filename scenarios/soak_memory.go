package scenarios

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"rubato/runner"
)

// memoryWatch reads this process's memory now and then.
type memoryWatch struct {
	start                 time.Time
	stop                  chan struct{}
	ended                 sync.WaitGroup
	rss, heap, goroutines []runner.Point
}

// watchEvery has a hundred readings in a block, and at least one every two seconds.
func watchEvery(block time.Duration) time.Duration {
	return max(block/100, min(block/15, 2*time.Second))
}

// watchMemory watches until it is ended.
func watchMemory(every time.Duration) *memoryWatch {
	w := &memoryWatch{start: time.Now(), stop: make(chan struct{})}
	w.ended.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-ticker.C:
				w.read()
			}
		}
	})
	return w
}

// read collects the garbage and reads what is left.
func (w *memoryWatch) read() {
	if len(w.heap) == runner.MaxPoints {
		return
	}
	runtime.GC()
	objects := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(objects)
	at := time.Since(w.start)
	w.heap = append(w.heap, runner.Point{At: at, Value: float64(objects[0].Value.Uint64())})
	w.goroutines = append(w.goroutines, runner.Point{At: at, Value: float64(runtime.NumGoroutine())})
	if rss := memoryNow(); rss > 0 {
		w.rss = append(w.rss, runner.Point{At: at, Value: float64(rss)})
	}
}

// end stops watching; after it, what was read may be asked for.
func (w *memoryWatch) end() {
	close(w.stop)
	w.ended.Wait()
}

// series is memory over time.
func (w *memoryWatch) series() map[string][]runner.Point {
	return map[string][]runner.Point{"rss": w.rss, "heap": w.heap, "goroutines": w.goroutines}
}

// figures are what the series come to. What was read too seldom is left out.
func (w *memoryWatch) figures() map[string]float64 {
	f := map[string]float64{}
	if len(w.rss) > 0 {
		f["rss"] = most(w.rss)
	}
	if len(w.goroutines) > 0 {
		f["goroutines"] = most(w.goroutines)
	}
	if g, ok := growth(w.rss); ok {
		f["growth"] = g
	}
	if g, ok := growth(w.heap); ok {
		f["heap-growth"], f["heap"] = g, fifth(w.heap, 4)
	}
	return f
}

func most(points []runner.Point) (value float64) {
	for _, p := range points {
		value = max(value, p.Value)
	}
	return value
}

// growth is the last fifth of a series against its second, in percent; false where there
// are too few points to tell.
func growth(points []runner.Point) (percent float64, ok bool) {
	if len(points) < 10 {
		return 0, false
	}
	early, late := fifth(points, 1), fifth(points, 4)
	if early <= 0 {
		return 0, false
	}
	return 100 * (late - early) / early, true
}

// fifth is the median of the i-th fifth of a series, from 0.
func fifth(points []runner.Point, i int) float64 {
	n := len(points)
	var values []float64
	for _, p := range points[i*n/5 : (i+1)*n/5] {
		values = append(values, p.Value)
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
