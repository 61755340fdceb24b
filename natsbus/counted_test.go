package natsbus

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/player"
)

// A tap stands between modules and their server and reads the protocol that passes: it counts
// messages and their sizes without asking either side. Commands are from the protocol's public
// description.
type tap struct {
	listener net.Listener
	mu       sync.Mutex
	seen     player.Link // of all connections
}

func newTap(t *testing.T, server string) *tap {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{listener: listener}
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			serving.Go(func() { p.pass(client, behind, p.sent); _ = behind.Close() })
			serving.Go(func() { p.pass(behind, client, p.received); _ = client.Close() })
		}
	})
	return p
}

// pass copies lines, and payloads after the lines that announce one.
func (p *tap) pass(from io.Reader, to io.Writer, count func(command string, size int64)) {
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) > 0 && strings.Contains(" PUB HPUB MSG HMSG ", " "+words[0]+" ") {
			size, _ := strconv.ParseInt(words[len(words)-1], 10, 64) // of header and payload
			body := make([]byte, size+2)                             // and the end of the line
			if _, err := io.ReadFull(in, body); err != nil {
				return
			}
			count(words[0], size)
			line += string(body)
		}
		if _, err := io.WriteString(to, line); err != nil {
			return
		}
	}
}

func (p *tap) sent(_ string, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Sent, p.seen.SentBytes = p.seen.Sent+1, p.seen.SentBytes+size
}

func (p *tap) received(_ string, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Received, p.seen.ReceivedBytes = p.seen.Received+1, p.seen.ReceivedBytes+size
}

func (p *tap) counted() player.Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// through has a module leave and join again by way of the tap.
func (p *tap) through(t *testing.T, w *wired, m *module) {
	t.Helper()
	user := w.network.users[m.name]
	m.leave()
	conn, err := nats.Connect("nats://"+p.listener.Addr().String(), nats.Name(connectionName+m.name), nats.NoReconnect(),
		nats.UserInfo(user.Username, user.Password), nats.CustomInboxPrefix(inboxPrefix+user.Username))
	if err == nil {
		err = m.join(conn)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What the server counts of each module's connection is what passed on the wire, message by
// message and byte by byte.
func TestCountsAreThoseOfTheWire(t *testing.T) {
	t.Parallel()
	w, _ := open(t, player.Config{Timeout: time.Minute})
	defer w.Close() // before the taps end, which wait for its connections
	taps := map[string]*tap{}
	for _, m := range []*module{w.ap, w.pd, w.log, w.ui} {
		taps[m.name] = newTap(t, embeddedOf(w).Addr().String())
		taps[m.name].through(t, w, m)
	}
	var err error
	if w.subscription, err = w.receiver.subscribe(); err != nil {
		t.Fatal(err)
	}
	if w.sender, err = newSender(w.ui.conn.Load(), w.config, w.network.space, w.codec, w.receiver.fields); err != nil {
		t.Fatal(err)
	}
	if !inTime(10*time.Second, func() bool { // or the server may still send to the connections before
		links, err := w.network.Links()
		return err == nil && !slices.ContainsFunc(links, func(l player.Link) bool { return l.Open != 1 })
	}) {
		t.Fatal("the server has not noticed that connections were closed")
	}
	const rounds = 5
	for i := range uint64(rounds) {
		if err := w.Do(player.Stimulus{Kind: player.MessageSaid, Seq: 10*i + 1, Message: player.Message{Username: "ada", Text: "grüße"}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Do(player.Stimulus{Kind: player.VolumeSet, Seq: 10*i + 2, Volume: int(i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Status(10*i + 3); err != nil {
			t.Fatal(err)
		}
	}
	different := ""
	for start := time.Now(); time.Since(start) < 10*time.Second; <-time.After(time.Millisecond) {
		links, err := w.network.Links()
		if err != nil {
			t.Fatal(err)
		}
		different = ""
		for _, l := range links {
			seen := taps[l.Module].counted()
			if seen.Module, seen.Open = l.Module, 1; l != seen {
				different += fmt.Sprintf("\nthe server counts %+v\nthe wire had      %+v", l, seen)
			}
		}
		if len(links) == len(taps) && different == "" {
			// By hand: ui says a message, sets a volume and asks for the status; log reports the message.
			if got := taps["ui"].counted().Sent; got != 3*rounds {
				t.Errorf("ui sent %d messages in %d rounds, want 3 each", got, rounds)
			}
			return
		}
	}
	t.Errorf("after 10 s:%s", different)
}
