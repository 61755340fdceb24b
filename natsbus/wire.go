package natsbus

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
)

// Subjects. The parts of a URI become tokens: `rubato.action.pd.>` is every action of
// module pd, `rubato.event.>` every event that crosses between modules.
const (
	subjectPrefix = "rubato."
	actionPrefix  = subjectPrefix + "action."
	eventPrefix   = subjectPrefix + "event."
	chatSubjects  = eventPrefix + "ui.Chat.*" // one subscription keeps their order
	// settleSubject asks module log to commit what waits.
	settleSubject = eventPrefix + "ui.Chat.settled"
	// doneSubject carries outcomes from module log to module ui.
	doneSubject = subjectPrefix + "done.ui"
)

var saidSubject = eventSubject(saidEvent)

// Where the envelope is. A header is what other tools of NATS show and pass on, and the client
// allocates for it seven times; in front of the body, a line of its own, it costs nothing.
const (
	envelopeInHeader = "header"
	envelopeInBody   = "body"
)

// envelopeHeader carries the envelope in decimal, "flow cause depth": the flow's token, the
// cause, and the depth, which bounds rules that trigger each other across modules. It is one
// header and not three, since the client allocates for each.
const envelopeHeader = "Rubato-Envelope"

// maxPayload bounds a body, in bytes. The largest of the player's is a request with a
// flavor, about 2 kB.
const maxPayload = 64 << 10

// space sets the subjects of one player apart from those of others on a shared server. It is
// empty on a server of the player's own.
type space string

// of is a subject in this space: rubato.action.pd.Director.find becomes
// rubato.SPACE.action.pd.Director.find.
func (s space) of(subject string) string {
	if s == "" {
		return subject
	}
	return subjectPrefix + string(s) + "." + strings.TrimPrefix(subject, subjectPrefix)
}

func actionSubject(uri string) string { return actionPrefix + tokens(uri) }
func eventSubject(uri string) string  { return eventPrefix + tokens(uri) }

func tokens(uri string) string { return strings.ReplaceAll(uri, "::", ".") }

// An outgoing message and its memory, for one goroutine at a time. The client copies a
// message when it is published, so the next one can have the same memory.
type outgoing struct {
	nats.Msg
	inBody   bool // the envelope
	envelope [1]string
	text     []byte
}

func newOutgoing(inBody bool) *outgoing {
	o := &outgoing{inBody: inBody}
	if !inBody {
		o.Header = nats.Header{envelopeHeader: o.envelope[:]}
	}
	return o
}

// address sets subject and envelope. The body is to be appended to Data.
func (o *outgoing) address(subject string, flow, cause uint64, depth int) {
	o.Subject, o.Data = subject, o.Data[:0]
	o.text = append(strconv.AppendUint(o.text[:0], flow, 10), ' ')
	o.text = append(strconv.AppendUint(o.text, cause, 10), ' ')
	o.text = strconv.AppendInt(o.text, int64(depth), 10)
	if o.inBody {
		o.Data = append(append(o.Data, o.text...), '\n')
		return
	}
	o.envelope[0] = string(o.text)
}

// message is one that is sent once.
func message(subject string, flow, cause uint64, depth int, data []byte) *nats.Msg {
	o := newOutgoing(false)
	o.address(subject, flow, cause, depth)
	o.Data = data
	return &o.Msg
}

// addressed reads the envelope. 0 is no flow's token.
func addressed(h nats.Header) (flow, cause uint64, depth int, err error) {
	if n := len(h[envelopeHeader]); n != 1 {
		return 0, 0, 0, fmt.Errorf("%d envelopes, want one", n)
	}
	return readEnvelope(h[envelopeHeader][0])
}

// opened reads the envelope and finds the body.
func opened(m *nats.Msg, inBody bool) (flow, cause uint64, depth int, body []byte, err error) {
	if !inBody {
		flow, cause, depth, err = addressed(m.Header)
		return flow, cause, depth, m.Data, err
	}
	const longest = 3*20 + 3 // three numbers of 64 bits
	end := bytes.IndexByte(m.Data[:min(longest, len(m.Data))], '\n')
	if end < 0 {
		return 0, 0, 0, nil, errors.New("no envelope before the body")
	}
	flow, cause, depth, err = readEnvelope(string(m.Data[:end]))
	return flow, cause, depth, m.Data[end+1:], err
}

func readEnvelope(text string) (flow, cause uint64, depth int, err error) {
	first, rest, _ := strings.Cut(text, " ")
	second, third, _ := strings.Cut(rest, " ")
	flow, err1 := strconv.ParseUint(first, 10, 64)
	cause, err2 := strconv.ParseUint(second, 10, 64)
	deep, err3 := strconv.ParseUint(third, 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || flow == 0 || deep > engine.MaxDepth {
		return 0, 0, 0, fmt.Errorf("envelope %q is not flow, cause and depth", shortened(strings.Clone(text)))
	}
	return flow, cause, int(deep), nil
}
