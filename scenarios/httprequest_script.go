package scenarios

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"

	"rubato/player"
)

// askedKind is a kind of request.
type askedKind int

const (
	askStatus askedKind = iota
	askQueue
	askChange
	askControl
	askSay
	askedKinds
)

// mixes are the values of the key of that name; after the first, one a kind.
var mixes = []string{"mixed", "status", "queue", "change", "control", "said"}

// deal is what ten requests of the mix are, before they are shuffled.
var deal = [10]askedKind{askStatus, askStatus, askStatus, askStatus, askQueue, askQueue, askControl, askControl, askChange, askSay}

// playDownEvery is after how many passages that were enqueued the queue is played down:
// two to twelve wait at any time.
const playDownEvery = 10

// A uiRequest is a request to the API, and what must come of it.
type uiRequest struct {
	kind         askedKind
	method, path string
	body         []byte
	status       int
	effects      int64 // but the answer
	playDown     bool  // before it
}

// requestWriter writes the requests of a script.
type requestWriter struct {
	mix      string
	seed     uint64
	passages []int64 // that may be enqueued, in turn
}

// at is the i-th.
func (w requestWriter) at(i int) uiRequest {
	kind, nth := w.draw(i)
	switch kind {
	case askStatus:
		return uiRequest{kind: kind, method: http.MethodGet, path: "/api/status", status: http.StatusOK}
	case askQueue:
		return uiRequest{kind: kind, method: http.MethodGet, path: "/api/queue", status: http.StatusOK}
	case askControl:
		return uiRequest{kind: kind, method: http.MethodPost, path: "/api/" + playPause(nth),
			status: http.StatusNoContent, effects: commandLines + commandTold}
	case askSay:
		said := say(w.seed, nth).Message
		return uiRequest{kind: kind, method: http.MethodPost, path: "/api/messages", status: http.StatusNoContent, effects: 4, // appended, counted, and both in the database
			body: content(map[string]any{"username": said.Username, "message": said.Text})}
	}
	a := uiRequest{kind: kind, method: http.MethodPost, path: "/api/queue", status: http.StatusCreated, effects: 3, // found, enqueued, asked for
		body: content(map[string]any{"passage": w.passages[nth%len(w.passages)]})}
	if nth%playDownEvery == 0 {
		a.playDown = true
		a.effects += 2 // played down, the depth held
	}
	return a
}

// draw is of what kind the i-th is, and how many of its kind came before. Any ten from a
// multiple of ten on have the shares of the mix.
func (w requestWriter) draw(i int) (kind askedKind, nth int) {
	if w.mix != mixes[0] {
		for k := range askedKinds {
			if mixes[k+1] == w.mix {
				return k, i
			}
		}
	}
	order := rand.New(rand.NewPCG(w.seed, uint64(i/len(deal)))).Perm(len(deal))
	kind = deal[order[i%len(deal)]]
	for _, k := range deal {
		if k == kind {
			nth += i / len(deal)
		}
	}
	for _, k := range order[:i%len(deal)] {
		if deal[k] == kind {
			nth++
		}
	}
	return kind, nth
}

func content(body map[string]any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	return text
}

// playedDown has the queue played down. It comes so soon after the last refill that none
// is asked for.
var playedDown = player.Stimulus{Kind: player.QueueLow}
