package natsbus

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// token is what the player of these tests needs for a command.
const token = "the one at the player"

const playCommand = `{"command":"play","at":0,"seed":0}`

// TestStrangers: the server of a player lets nobody in but the player's own modules. It
// used to let in every program of the machine, which could then command the player past
// its token, and read all that is said.
func TestStrangers(t *testing.T) {
	w, _ := open(t, player.Config{Timeout: never, Token: token})
	other, _ := open(t, player.Config{Timeout: never})
	rung, err := OpenRung("tcp", Payload{There: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer rung.Close()
	onlyLoopback(t, embeddedOf(w))
	onlyLoopback(t, rung.server)
	for name, options := range map[string][]nats.Option{
		"nobody":             nil,
		"a guess":            {nats.UserInfo("ui", "ui")},
		"no password":        {nats.UserInfo("ui", "")},
		"the player's token": {nats.Token(token)},
		"another player's":   {nats.UserInfo("ui", other.network.users["ui"].Password)},
	} {
		for _, s := range []*server.Server{embeddedOf(w), rung.server} {
			conn, err := nats.Connect(s.ClientURL(), append(options, nats.NoReconnect())...)
			if !errors.Is(err, nats.ErrAuthorization) {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil {
				conn.Close()
			}
		}
	}
}

// onlyLoopback: the server has one port, and no other machine can reach it.
func onlyLoopback(t *testing.T, s *server.Server) {
	t.Helper()
	if addr, is := s.Addr().(*net.TCPAddr); !is || !addr.IP.IsLoopback() {
		t.Errorf("it listens on %v", s.Addr())
	}
	if s.MonitorAddr() != nil || s.ClusterAddr() != nil || s.ProfilerAddr() != nil {
		t.Errorf("it listens on %v, %v, %v as well", s.MonitorAddr(), s.ClusterAddr(), s.ProfilerAddr())
	}
}

// TestRights: a module has its own part of the subjects. With the credentials of any other
// module but ui, nobody can command the player, and none reads the answers to another.
func TestRights(t *testing.T) {
	w, _ := open(t, player.Config{Timeout: never, Token: token})
	for _, c := range []struct {
		user               *server.User
		publish, subscribe string // one of them, which is refused
	}{
		{user: w.network.users["pd"], publish: "rubato.action.ap.Playback.command"},
		{user: w.network.users[listener], publish: saidSubject},
		{user: w.network.users[listener], publish: "rubato.action.ap.Playback.command"},
		{user: w.network.users[listener], subscribe: "rubato.done.ui"},
		{user: w.network.users["log"], publish: "rubato.action.ap.Playback.command"},
		{user: w.network.users["log"], publish: "rubato.event.ui.Chat.said"},
		{user: w.network.users["ap"], publish: "rubato.action.pd.Timeslots.override"},
		{user: w.network.users["ui"], publish: "rubato.action.ap.Playback.start"},
		{user: w.network.users["ui"], publish: "rubato.done.ui"},
		{user: w.network.users["ap"], publish: "$SYS.REQ.SERVER.PING"},
		{user: w.network.users["ap"], publish: "$SRV.INFO"}, // how services of NATS are discovered
		{user: w.network.users["pd"], subscribe: "$SRV.PING.rubato-ap"},
		{user: w.network.users["pd"], subscribe: "$SYS.>"},
		{user: w.network.users["ap"], publish: "_INBOX_ui.forged"},
		{user: w.network.users["pd"], subscribe: "rubato.>"},
		{user: w.network.users["pd"], subscribe: "rubato.event.>"},
		{user: w.network.users["pd"], subscribe: "rubato.action.ap.>"},
		{user: w.network.users["pd"], subscribe: "_INBOX_ui.>"},
	} {
		if err := refused(t, w, c.user, c.publish, c.subscribe); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s publishes %q, subscribes to %q: %v", c.user.Username, c.publish, c.subscribe, err)
		}
	}
	if s, err := w.Status(1); err != nil || s.State != player.Stopped {
		t.Errorf("the player is %+v, %v: a refused message had an effect", s, err)
	}
	// The same message has an effect from ui, so the refusals above are not due to its text.
	if err := refused(t, w, w.network.users["ui"], "rubato.action.ap.Playback.command", ""); err != nil {
		t.Errorf("ui was refused: %v", err)
	}
	if s, err := w.Status(2); err != nil || s.State != player.Playing {
		t.Errorf("the player is %+v, %v", s, err)
	}
}

// refused is the server's error for one message, or one subscription, of a user.
func refused(t *testing.T, w *wired, user *server.User, publish, subscribe string) error {
	t.Helper()
	failed := make(chan error, 8)
	conn, err := nats.Connect(embeddedOf(w).ClientURL(), nats.UserInfo(user.Username, user.Password), nats.NoReconnect(), nats.InProcessServer(embeddedOf(w)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { failed <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if publish != "" {
		err = conn.PublishMsg(message(publish, 9, 0, 0, []byte(playCommand)))
	} else {
		_, err = conn.SubscribeSync(subscribe)
	}
	if err := errors.Join(err, conn.FlushTimeout(never)); err != nil { // the server has handled it
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		return err
	case <-time.After(soon):
		return conn.LastError()
	}
}

// TestStreamRights: only module log may change the stream, only this one, and no module hears
// or forges what the server delivers, or reads the stream past it.
func TestStreamRights(t *testing.T) {
	t.Parallel()
	w, _ := open(t, player.Config{Timeout: never, Placement: placed(t, deliveryMemory)})
	for _, c := range []struct{ module, publish, subscribe string }{
		{module: "ui", publish: "$JS.API.STREAM.DELETE.rubato-chat"},
		{module: "ui", publish: "$JS.ACK.rubato-chat.log-1.1.1.1.1.0"},
		{module: "ui", publish: "rubato.deliver.log.1"},
		{module: "ap", publish: "rubato.event.ui.Chat.said"},
		{module: "ap", publish: "$JS.API.INFO"},
		{module: "pd", subscribe: "rubato.deliver.log.1"},
		{module: "pd", subscribe: "rubato.event.ui.Chat.said"},
		{module: "log", subscribe: "rubato.event.ui.Chat.said"},
		{module: "log", publish: "rubato.deliver.log.1"},
		{module: "log", publish: "$JS.API.STREAM.CREATE.other"},
		{module: "log", publish: "$JS.API.STREAM.DELETE.other"},
		{module: "log", publish: "$JS.API.STREAM.MSG.GET.rubato-chat"},
		{module: "log", publish: "$JS.API.CONSUMER.CREATE.other.log-1"},
		{module: "log", publish: "$JS.ACK.other.log-1.1.1.1.1.0"},
	} {
		if err := refused(t, w, w.network.users[c.module], c.publish, c.subscribe); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s publishes %q, subscribes to %q: %v", c.module, c.publish, c.subscribe, err)
		}
	}
	if err := w.Do(said(1)); err != nil {
		t.Error(err)
	}
}

// TestRightsOf: the requests that a module may make, written down by hand from the rules.
func TestRightsOf(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"ap":  "log.History.record log.Settings.put pd.Cooldowns.record pd.Director.select pd.Timeslots.flavorAt ui.Broadcast.send",
		"pd":  "",
		"log": "",
		"ui": "ap.Playback.command ap.Playback.setVolume ap.Playback.status ap.Queue.enqueue ap.Queue.list" +
			" log.Filters.check pd.Director.find pd.Director.select pd.Timeslots.flavorAt pd.Timeslots.override",
	} {
		var asks []string
		for _, subject := range rightsOf(module, append(orchestrated.Rules(), orchestrated.FilterRules(1)...)).publish {
			if action, ok := strings.CutPrefix(subject, actionPrefix); ok {
				asks = append(asks, action)
			}
		}
		slices.Sort(asks)
		if got := strings.Join(asks, " "); got != want {
			t.Errorf("%s may request\n%s, want\n%s", module, got, want)
		}
	}
}

// TestQuiet: what goes wrong on a connection stays off the terminal. The NATS client used
// to write it to stderr.
func TestQuiet(t *testing.T) {
	w, _ := open(t, player.Config{Timeout: never})
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	conn := w.pd.conn.Load()
	err = errors.Join(conn.Publish("rubato.action.ap.Playback.command", nil), conn.FlushTimeout(never))
	for deadline := time.Now().Add(never); conn.LastError() == nil && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(soon) // for the handler, which another goroutine calls
	os.Stderr = stderr
	said, readErr := "", write.Close()
	if text, err := io.ReadAll(read); err == nil {
		said = string(text)
	}
	if err := errors.Join(err, readErr); err != nil || said != "" {
		t.Errorf("on stderr: %q, %v", said, err)
	}
	if !errors.Is(conn.LastError(), nats.ErrPermissionViolation) {
		t.Errorf("the last error is %v", conn.LastError())
	}
}
