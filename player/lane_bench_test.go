package player

import "testing"

// What a line of a lane costs, with its digest and without, for the shortest and for
// a message: this is the part of the certificate that stands in the timed region.
func BenchmarkLane(b *testing.B) {
	const text = "message 12345, which says 0123456789abcdef and so on, at some length, a"
	for name, quiet := range map[string]bool{"digest": false, "count": true} {
		b.Run("short/"+name, func(b *testing.B) {
			l := Lane{Quiet: quiet}
			for b.Loop() {
				l.Record("mark", "", 49878175390848000)
			}
		})
		b.Run("message/"+name, func(b *testing.B) {
			messages, users := NewMessages(nowhere{}, false), NewUsers(nowhere{}, false)
			messages.Lane.Quiet, users.Lane.Quiet = quiet, quiet
			for b.Loop() {
				_ = messages.Append(Message{Username: "listener-07", Text: text, At: 49878175390848000})
				_ = users.Count("listener-07")
			}
		})
	}
}

// nowhere keeps nothing.
type nowhere struct{ LogStore }

func (nowhere) AppendMessage(Message) error { return nil }
func (nowhere) CountUser(string) error      { return nil }
