package scenarios

import (
	"strings"
	"testing"
	"time"

	"rubato/direct"
	"rubato/player"
	"rubato/runner"
)

// refusing is a player that has lost, or refused, a message between its modules.
type refusing struct {
	player.Player
	player.Described
	dropped, rejected uint64
}

func (r refusing) Observe() (player.Observation, error) {
	seen, err := r.Player.Observe()
	seen.Dropped, seen.Rejected = r.dropped, r.rejected
	return seen, err
}

// TestNothingLost: work does not count if a message between modules was lost or refused.
func TestNothingLost(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]refusing{"": {}, "3 messages were dropped": {dropped: 3}, "2 rejected": {rejected: 2}} {
		s := styles{Styles: []player.Style{{Name: "direct", Open: func(config player.Config) (player.Player, error) {
			p, err := direct.Open(config)
			c.Player, c.Described = p, p.(player.Described)
			return c, err
		}}}}.messageLog()
		setup := runner.Setup{Style: "direct", Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1, Options: runner.Options{"mode": "closed"}}
		must(t, s.Prepare(setup))
		load, err := s.Open(setup)
		must(t, err)
		must(t, load.Prepare(0, 3))
		must(t, load.Run(3, func(time.Duration) {}))
		if _, err = load.Work(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("want %q: %v", want, err)
		}
		must(t, load.Close())
	}
}
