package live

import (
	"net"
	"slices"
	"testing"
)

// Before, a server on every address printed loopback alone, which works nowhere else.
func TestAddresses(t *testing.T) {
	t.Parallel()
	own := []string{"127.0.0.1", "192.0.2.5", "::1", "2001:db8::5"}
	for _, c := range []struct {
		ip   string
		zone string
		want []string
	}{
		{"127.0.0.1", "", []string{"http://127.0.0.1:8080/"}},
		{"::1", "", []string{"http://[::1]:8080/"}},
		{"192.0.2.5", "", []string{"http://192.0.2.5:8080/"}},
		{"fe80::1", "eth0", []string{"http://[fe80::1%25eth0]:8080/"}},
		{"0.0.0.0", "", []string{"http://127.0.0.1:8080/", "http://192.0.2.5:8080/"}},
		{"::", "", []string{"http://127.0.0.1:8080/", "http://192.0.2.5:8080/", "http://[2001:db8::5]:8080/"}},
	} {
		at := &net.TCPAddr{IP: net.ParseIP(c.ip), Port: 8080, Zone: c.zone}
		if got := addresses(at, own); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.ip, got, c.want)
		}
	}
}
