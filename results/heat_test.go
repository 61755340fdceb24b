package results

import (
	"strings"
	"testing"
)

// What the bits mean is from the documentation of vcgencmd: 0x50005 is an under-voltage and a
// throttled CPU, now and before; 0x50000 says that both have passed.
func TestSlowedSince(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after Heat
		want          string // "": not slowed down
	}{
		"the machine tells nothing":    {Heat{}, Heat{}, ""},
		"temperature alone":            {Heat{TempC: 40, MHz: 1000}, Heat{TempC: 85, MHz: 600}, ""},
		"before the run":               {Heat{Throttled: 0x50000}, Heat{Throttled: 0x50000}, ""},
		"now":                          {Heat{Throttled: 0x50000}, Heat{Throttled: 0x50001}, ": under-voltage (get_throttled 0x50001)"},
		"at the beginning":             {Heat{Throttled: 0x80008}, Heat{Throttled: 0x80000}, ": soft temperature limit (get_throttled 0x80000)"},
		"meanwhile":                    {Heat{}, Heat{Throttled: 0x50000}, ": under-voltage, throttled (get_throttled 0x50000)"},
		"meanwhile, beside an old one": {Heat{Throttled: 0x10000}, Heat{Throttled: 0x30000}, ": frequency capped (get_throttled 0x30000)"},
		"all":                          {Heat{}, Heat{Throttled: 0xf000f}, ": under-voltage, frequency capped, throttled, soft temperature limit "},
		"the driver cleared it":        {Heat{Throttled: 0x10000}, Heat{}, ""},
		"bits without a meaning":       {Heat{}, Heat{Throttled: 0xfff0fff0}, ""},
		"x86":                          {Heat{Slowdowns: 7}, Heat{Slowdowns: 9}, "counted 2 more"},
		"x86, no more":                 {Heat{Slowdowns: 9}, Heat{Slowdowns: 9}, ""},
		"x86, a core was taken away":   {Heat{Slowdowns: 9}, Heat{Slowdowns: 4}, ""},
	} {
		if got := test.after.SlowedSince(test.before); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
