package natsbus

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// Who may say what. The embedded server listens where every program of the machine can
// connect, so each connection of the player is a user of its own, with a password that is
// new at each start and rights by subject. Passwords stay in this process.
//
// One token for all modules would keep strangers out, too. But then a module could send
// any command, and only a convention would separate ui from pd.

// rights are the subjects that one user may publish and subscribe to.
type rights struct{ publish, subscribe []string }

const (
	inboxPrefix = "_INBOX_" // with the user's name: the answers to its requests
	answerWait  = time.Minute
)

// newUser makes a user of the server. Besides its rights it may answer each request once,
// and it reads the answers to its own requests in an inbox that no other user can read.
func newUser(name string, r rights) *server.User {
	return &server.User{Username: name, Password: rand.Text(), Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: r.publish},
		Subscribe: &server.SubjectPermission{Allow: append(slices.Clone(r.subscribe), inboxPrefix+name+".>")},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: answerWait},
	}}
}

// calledByUI are the actions that module ui requests without a rule: converse, Status and
// Waiting call them.
var calledByUI = []string{"ap::Playback::setVolume", "ap::Playback::status", "ap::Queue::list"}

// rightsOf are what a module needs: it offers its own actions, requests those
// actions of other modules that its rules name, and has its end of the path of a message.
func rightsOf(module string, rules []engine.Rule) rights {
	r := rights{subscribe: []string{actionPrefix + module + ".>"}}
	var asks []string
	switch module {
	case "ui":
		asks = calledByUI
		r.publish = append(r.publish, saidSubject, settleSubject)
		r.subscribe = append(r.subscribe, doneSubject)
	case "log":
		r.publish = append(r.publish, doneSubject)
		r.subscribe = append(r.subscribe, chatSubjects)
	}
	for _, rule := range orchestrated.RulesOf(module, rules) {
		for _, step := range slices.Concat(rule.Then, rule.Else) {
			asks = append(asks, step.Do)
		}
	}
	for _, uri := range asks {
		if subject := actionSubject(uri); !strings.HasPrefix(uri, module+"::") && !slices.Contains(r.publish, subject) {
			r.publish = append(r.publish, subject)
		}
	}
	return r
}

// A message that does not fit its schema has no effect, whoever sent it. It is counted by
// the module that refused it.

func (m *module) reject(op string, err error) error {
	m.rejected.Add(1)
	return &player.Error{Code: player.Invalid, Op: op, Err: err}
}

// rejected is what modules here refused.
func (w *wired) rejected() map[string]uint64 {
	out := map[string]uint64{}
	for _, m := range w.here() {
		n := m.rejected.Load()
		if m == w.ui {
			n += w.sender.rejected.Load()
		}
		if n > 0 {
			out[m.name] = n
		}
	}
	return out
}

// Lost is what the engines lost, and what modules refused.
func (w *wired) Lost() player.Loss {
	out := w.Inspection.Lost()
	out.Rejected = w.rejected()
	collected := w.collector.lost()
	out.Rows, out.Err = out.Rows+collected.Rows, cmp.Or(out.Err, collected.Err)
	for _, m := range w.inspectMates(0) {
		out.Flows, out.Rows, out.Events = out.Flows+m.Lost.Flows, out.Rows+m.Lost.Rows, out.Events+m.Lost.Events
		out.Err = cmp.Or(out.Err, m.Lost.Err)
		maps.Copy(out.Rejected, m.Lost.Rejected)
	}
	return out
}
