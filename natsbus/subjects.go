package natsbus

import "strings"

// Subjects. A URI's parts become tokens, so that `rubato.action.pd.>` is all that
// module pd can be asked, and `rubato.event.>` all that happens between modules.
const (
	actionPrefix = "rubato.action."
	eventPrefix  = "rubato.event."
	chatSubjects = eventPrefix + "ui.Chat.*"       // log takes all of them in one order
	settled      = eventPrefix + "ui.Chat.settled" // nothing more is said for now: commit what waits
	doneSubject  = "rubato.done.ui"                // log tells ui which messages are durable
)

// Headers carry the envelope, in decimal: flow token, cause, and the depth that
// bounds rules that feed each other across modules.
const (
	flowHeader  = "Rubato-Flow"
	causeHeader = "Rubato-Cause"
	depthHeader = "Rubato-Depth"
)

// maxPayload bounds a body on the wire, in bytes. The largest of ours is a
// request with a flavor, some 2 kB.
const maxPayload = 64 << 10

func actionSubject(uri string) string { return actionPrefix + tokens(uri) }
func eventSubject(uri string) string  { return eventPrefix + tokens(uri) }

func tokens(uri string) string { return strings.ReplaceAll(uri, "::", ".") }
