package natsbus

import (
	"strings"
	"testing"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// TestWorkersShare: members in other processes answer module log's actions and store messages,
// each once, and none without a member. Here the processes are one, the stores are several.
func TestWorkersShare(t *testing.T) {
	for _, transport := range []string{"tcp", "process"} {
		placement := player.Placement{Transport: transport, Away: true}
		network, err := Network(placement)
		if err != nil {
			t.Fatal(err)
		}
		defer network.Close()
		placement.Network = network
		w, own := open(t, player.Config{Placement: placement, Timeout: never})
		w.ap.timeout = soon
		put := func() error {
			return w.ap.engine.Invoke(1, 0, "log::Settings::put", []engine.Value{engine.String("volume"), engine.String("7")}, nil)
		}
		if err := put(); player.CodeOf(err) != player.Unavailable {
			t.Errorf("%s: nobody is module log, but it says %v", transport, err)
		}
		to, err := network.(player.Inviting).Invite()
		if err != nil {
			t.Fatal(err)
		}
		var members []player.Member
		stores := []*memory{{}, {}}
		for _, store := range stores {
			m, err := Join(to, player.Config{Store: store, Batch: 100})
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, m)
		}
		w.ap.timeout = never
		if err := put(); err != nil {
			t.Errorf("%s: %v", transport, err)
		}
		const n = 200
		for i := range uint64(n) {
			said := player.Stimulus{Kind: player.MessageSaid, Seq: i + 2, Message: player.Message{Username: "a", Text: "b"}}
			if err := w.Post(said, func(_ uint64, err error) {
				if err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Settle(); err != nil {
			t.Error(err)
		}
		a, b := stores[0].messages.Load(), stores[1].messages.Load()
		if a+b != n || a == 0 || b == 0 || own.messages.Load() != 0 {
			t.Errorf("%s: stored %d and %d of %d, and %d by the player itself", transport, a, b, n, own.messages.Load())
		}
		for _, m := range members {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-m.Lost():
			default:
				t.Error("a member that has left is still there")
			}
		}
	}
}

// TestInvitations: a password opens only what it is for, and what cannot be joined says so.
func TestInvitations(t *testing.T) {
	t.Parallel()
	pipe, err := Network(player.Placement{Transport: "pipe"})
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if _, err := pipe.(player.Inviting).Invite(); player.CodeOf(err) != player.Invalid {
		t.Errorf("pipe: %v", err)
	}
	tcp, err := Network(player.Placement{})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	to, err := tcp.(player.Inviting).Invite()
	if err != nil || to.Password == "" || strings.Contains(to.URL, to.Password) {
		t.Errorf("%q, %v", to.URL, err)
	}
	wrong := to
	wrong.Password = "wrongsecret"
	for _, c := range []struct {
		to   player.Invitation
		code player.Code
	}{
		{wrong, player.Unavailable}, {player.Invitation{URL: "nats://127.0.0.1:1", Password: "wrongsecret"}, player.Unavailable},
		{player.Invitation{URL: "://wrongsecret"}, player.Invalid}, {player.Invitation{URL: "nats://log:wrongsecret@127.0.0.1:1"}, player.Invalid},
	} {
		m, err := Join(c.to, player.Config{Store: &memory{}})
		if m != nil || player.CodeOf(err) != c.code || strings.Contains(err.Error(), "wrongsecret") {
			t.Errorf("%v: %v, %v", c.to, m, err)
		}
	}
}
