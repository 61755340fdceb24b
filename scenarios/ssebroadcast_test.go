package scenarios

import (
	"strings"
	"testing"
	"time"

	"rubato/direct"
	"rubato/player"
	"rubato/scenarios/workload"
	"rubato/web"
)

// TestDeafLosesItsOwn: a client that reads nothing loses every event once its backlog is
// full, and no other client loses any.
func TestDeafLosesItsOwn(t *testing.T) {
	t.Parallel()
	load := openedUI(t, realStyles.sseBroadcast(), "direct", map[string]string{"clients": "2", "deaf": "1"})
	first := 0
	for i, n := range []int{100, 30, 8} {
		if err := load.Prepare(first, n); err != nil {
			t.Fatal(err)
		}
		if err := load.Run(n, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		work, err := load.Work()
		if err != nil || work.Effects != work.Expected {
			t.Fatalf("%d effects of %d, %v", work.Effects, work.Expected, err)
		}
		if lost := work.Figures["deaf-lost"]; i > 0 && lost != float64(n) || lost == 0 {
			t.Errorf("block %d: %v of %d lost", i, lost, n)
		}
		first += n
	}
}

// TestSkippedBroadcast: a broadcast that never comes ends the block with an error.
func TestSkippedBroadcast(t *testing.T) {
	t.Parallel()
	load := openedUI(t, styles{workload.Styles{skippingStyle}}.sseBroadcast(), "skipping", map[string]string{"clients": "3"})
	load.(*broadcasting).patience = 300 * time.Millisecond
	if _, err := block(load, 110); err == nil || !strings.Contains(err.Error(), "3 of 3 clients have not received") {
		t.Errorf("%v", err)
	}
}

// echoing announces everything twice.
type echoing struct{ player.Audience }

func (a echoing) Hear(n player.Announcement) {
	a.Audience.Hear(n)
	a.Audience.Hear(n)
}

// TestTalkativeBroadcast: a broadcast that comes twice is different work.
func TestTalkativeBroadcast(t *testing.T) {
	t.Parallel()
	talkative := player.Style{Name: "talkative", Open: func(c player.Config) (player.Player, error) {
		c.Audience = echoing{c.Audience}
		return direct.Open(c)
	}}
	load := openedUI(t, styles{workload.Styles{talkative}}.sseBroadcast(), "talkative", map[string]string{"clients": "3"})
	if work, err := block(load, 20); err == nil && work.Effects == work.Expected {
		t.Errorf("%d effects, as with single announcements", work.Effects)
	}
}

// TestAudit: the error names clients that left or lost events.
func TestAudit(t *testing.T) {
	t.Parallel()
	w := &broadcasting{clients: &clientSet{listeners: make([]*listener, 2)}}
	for text, counts := range map[string]web.HubCounts{
		"":                        {Clients: []web.ClientCounts{{Client: 1}, {Client: 2}}},
		"1 clients are connected": {Clients: []web.ClientCounts{{Client: 1}}},
		"client 2 has lost 3 ev":  {Clients: []web.ClientCounts{{Client: 1}, {Client: 2, Lost: 3}}},
	} {
		err := w.audit(counts)
		if (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
}
