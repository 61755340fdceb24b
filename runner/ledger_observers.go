package runner

import (
	"io"
	"runtime/pprof"
	"slices"
	"time"

	"rubato/reports"
)

// Instruments that the runner itself can have at work in a timed block. Those of a
// style, such as its trace, are options of the scenario.
const (
	histogramObserver   = "histogram" // latency of each operation into a histogram
	watchObserver       = "watch"     // whether the process stands still, ten times a second
	certificateObserver = reports.CertificateInstrument
	profileObserver     = "profile" // the CPU profiler, at 100 Hz
	samplerObserver     = "sampler" // gopsutil from the runner, every 100 ms
)

// observerDocs say what each does, for readers of results.
var observerDocs = map[string]string{
	histogramObserver:   "the latency of each operation into a histogram",
	watchObserver:       "ten times a second: does the process stand still?",
	certificateObserver: "the certificate's: lines of every lane into a digest, as they happen",
	profileObserver:     "the CPU profiler, 100 times a second of CPU",
	samplerObserver:     "CPU % and RSS by gopsutil from the runner, every 100 ms",
}

// usual are those of every timed block.
var usual = []string{histogramObserver, watchObserver, certificateObserver}

// Witnessed tells whether lanes are to be digested, so that a certificate can be had of
// what is done. All are but in a timed block that shows what this costs.
func (s Setup) Witnessed() bool { return s.Verbatim || s.observers().on(certificateObserver) }

// observers are the instruments at work in a block, by name.
type observers []string

// observers are the usual ones unless the setup names its own, be it none.
func (s Setup) observers() observers {
	if s.Observers == nil {
		return usual
	}
	return s.Observers
}

func (o observers) on(name string) bool { return slices.Contains(o, name) }

// tell is what a workload tells latencies to.
func (o observers) tell(heard *latencies) func(time.Duration) {
	if o.on(histogramObserver) {
		return heard.record
	}
	return func(time.Duration) {}
}

// watch begins to look whether the process stands still; nil never sees it.
func (o observers) watch() *watch {
	if o.on(watchObserver) {
		return startWatch()
	}
	return nil
}

// profile begins a profile that nobody reads.
func (o observers) profile() (stop func()) {
	if !o.on(profileObserver) || pprof.StartCPUProfile(io.Discard) != nil {
		return func() {}
	}
	return pprof.StopCPUProfile
}
