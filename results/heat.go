package results

import (
	"fmt"
	"strings"
)

// A Heat is what the machine says at one moment of what slows its CPU down. Machines differ in what
// they say; what is not known is 0.
type Heat struct {
	TempC     float64 `json:"temp_c,omitempty"`    // of the hottest part of the CPU or board
	MHz       float64 `json:"mhz,omitempty"`       // of the fastest core at this moment
	Throttled uint32  `json:"throttled,omitempty"` // bits of get_throttled, as the firmware of a Raspberry Pi gives them
	Slowdowns uint64  `json:"slowdowns,omitempty"` // times since boot that the CPUs' own protection slowed them down (x86)
}

// throttlings are the lowest bits of get_throttled. The same bits, 16 places higher, say that it
// happened since the machine started (Raspberry Pi documentation, vcgencmd get_throttled).
var throttlings = []string{"under-voltage", "frequency capped", "throttled", "soft temperature limit"}

// sinceBoot is how many places higher the bits are that stay set.
const sinceBoot = 16

// Throttling says in words which bits of get_throttled are set now; "" if none is.
func (h Heat) Throttling() string {
	var said []string
	for i, what := range throttlings {
		if h.Throttled>>i&1 == 1 {
			said = append(said, what)
		}
	}
	return strings.Join(said, ", ")
}

// SlowedSince says what slowed the CPU down between an earlier reading and this one; "" if nothing
// did, or if the machine does not tell. A bit that stays set tells nothing a second time.
func (h Heat) SlowedSince(earlier Heat) string {
	between := Heat{Throttled: earlier.Throttled | h.Throttled | (h.Throttled&^earlier.Throttled)>>sinceBoot}
	if what := between.Throttling(); what != "" {
		return fmt.Sprintf("the firmware slowed the CPU down: %s (get_throttled %#x)", what, h.Throttled)
	}
	if times := h.Slowdowns - earlier.Slowdowns; h.Slowdowns > earlier.Slowdowns {
		return fmt.Sprintf("the CPU was too hot and slowed down (thermal_throttle counted %d more)", times)
	}
	return ""
}

// Saw notes a reading that was taken during the run.
func (m *Machine) Saw(h Heat) {
	m.MaxTempC = max(m.MaxTempC, h.TempC)
	if h.MHz > 0 {
		if m.MinMHz == 0 || h.MHz < m.MinMHz {
			m.MinMHz = h.MHz
		}
		m.MaxMHz = max(m.MaxMHz, h.MHz)
	}
}
