package results

import (
	"testing"
	"time"
)

// Every metric can be read, from a cell or from a block, and says what it is.
func TestMetrics(t *testing.T) {
	t.Parallel()
	waited, energy, connections := time.Second, 2.0, 4
	b := Block{Ops: 2, Stimuli: 5, Connections: &connections, Own: Counts{SentMessages + "ap": 15, SentMessages + "pd": 5, SentBytes + "ap": 50, ReceivedMessages + "pd": 99, "trace records": 3}, Wall: 10, Slices: []time.Duration{4, 6}, SliceOps: 1, User: 4, System: 2, Bytes: 8, Executed: &Executed{Instructions: 22, Calls: 8}, Resources: &Resources{IO: &IO{Reads: 6}, Waited: &waited, Energy: &energy}}
	seen := map[string]bool{}
	for _, m := range Metrics {
		if seen[m.Name] || m.Title == "" || m.Unit == "" {
			t.Errorf("%s: twice, or without title or unit", m.Name)
		}
		seen[m.Name] = true
		if _, known := m.Mean([]Block{b}); m.IsSpent() && !known {
			t.Errorf("%s is kept in Spent, but no block has it", m.Name)
		}
		if m.Bench != "" && m.Quantile == 0 {
			if _, known := m.Round(&b); !known {
				t.Errorf("%s has a benchmark unit, but no block has it", m.Name)
			}
		}
		if (m.Budget.Field == "") != (m.Budget.Per == 0) {
			t.Errorf("%s: %+v", m.Name, m.Budget)
		}
	}
	for name, want := range map[string]float64{"ns_op": 5, "typical_ns_op": 5, "cpu_ns_op": 3, "bytes_op": 4, "reads": 3, "waited_ns": 5e8, "energy_j": 1,
		"messages_op": 4, "instructions_op": 11, "calls_op": 4, "house_calls_op": 0, "wire_bytes_op": 10, "connections": 4} {
		m, known := MetricNamed(name)
		if got, is := m.Round(&b); !known || !is || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	m, _ := MetricNamed("reads")
	if _, known := m.Mean([]Block{b, {Ops: 1}}); known {
		t.Error("a mean of blocks of which one says nothing")
	}
	if e, known := m.Of(&Cell{Spent: map[string]float64{"reads": 7}}); !known || e.Median != 7 {
		t.Errorf("%v, %v", e, known)
	}
}

// A style of one process sends nothing. What was not counted is not nothing.
func TestCrossingNothing(t *testing.T) {
	t.Parallel()
	none, some := 0, 4
	for name, c := range map[string]struct {
		block Block
		known bool
	}{
		"one process":               {Block{Ops: 2, Stimuli: 2, Connections: &none}, true},
		"an older run":              {Block{Ops: 2, Stimuli: 2}, false},
		"a network without counts":  {Block{Ops: 2, Stimuli: 2, Connections: &some}, false},
		"counts of unknown stimuli": {Block{Ops: 2, Connections: &some, Own: Counts{SentMessages + "ap": 0}}, false},
		"a silent network":          {Block{Ops: 2, Stimuli: 2, Connections: &some, Own: Counts{SentMessages + "ap": 0}}, true},
	} {
		m, _ := MetricNamed("messages_op")
		if v, known := m.Round(&c.block); known != c.known || v != 0 {
			t.Errorf("%s: %v, %v", name, v, known)
		}
	}
}

// A measure of the scenario is a metric, too.
func TestMeasureIsMetric(t *testing.T) {
	t.Parallel()
	s := Scenario{Measures: []Measure{{Name: "lost", Better: "less"}}}
	m, known := s.Metric(MeasurePrefix + "lost")
	if v, is := m.Round(&Block{Ops: 9, Figures: map[string]float64{"lost": 3}}); !known || !is || v != 3 || m.More {
		t.Errorf("%v, %v, %v", v, is, known)
	}
	if _, known := s.Metric(MeasurePrefix + "found"); known {
		t.Error("a measure that the scenario does not have")
	}
}
