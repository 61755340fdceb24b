package web

import (
	"fmt"
	"net/http"
	"strings"

	"rubato/player"
)

// command is any of play, pause, stop and skip, as the path says.
func (a *api) command(w http.ResponseWriter, r *http.Request) {
	if err := read(w, r, &struct{}{}, true); err != nil {
		fail(w, err)
		return
	}
	a.do(w, r, player.Stimulus{Kind: player.Control, Token: a.token(r), Command: strings.TrimPrefix(r.URL.Path, apiRoot)})
}

// token is what a command bears.
func (a *api) token(r *http.Request) string {
	if a.config.Token != "" {
		return a.config.Token
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

func (a *api) volume(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Volume *int `json:"volume"`
	}
	err := read(w, r, &body, false)
	if err == nil && body.Volume == nil {
		err = lacks("volume")
	}
	if err != nil {
		fail(w, err)
		return
	}
	a.do(w, r, player.Stimulus{Kind: player.VolumeSet, Volume: *body.Volume})
}

// say refuses what the log would, before anybody is asked.
func (a *api) say(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Username *string `json:"username"`
		Message  *string `json:"message"`
	}
	err := read(w, r, &body, false)
	if err == nil && (body.Username == nil || body.Message == nil) {
		err = lacks("username or message")
	}
	var said player.Message
	if err == nil {
		said = player.Message{Username: *body.Username, Text: *body.Message}
		err = said.Check()
	}
	if err != nil {
		fail(w, err)
		return
	}
	a.do(w, r, player.Stimulus{Kind: player.MessageSaid, Message: said})
}

func (a *api) enqueue(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Passage *int64 `json:"passage"`
	}
	err := read(w, r, &body, false)
	if err == nil {
		err = isPassage(body.Passage)
	}
	if err != nil {
		fail(w, err)
		return
	}
	depth, err := a.front.Enqueue(r.Context(), *body.Passage)
	tell(w, http.StatusCreated, enqueued{*body.Passage, depth}, err)
}

// enqueued tells that a passage waits.
type enqueued struct {
	Passage int64 `json:"passage"`
	Depth   int   `json:"depth"`
}

func (a *api) flavor(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Passage *int64 `json:"passage"`
		Minutes *int64 `json:"minutes"`
	}
	err := read(w, r, &body, false)
	if err == nil {
		err = isPassage(body.Passage)
	}
	if err == nil && (body.Minutes == nil || *body.Minutes < 1 || *body.Minutes > LongestWish) {
		err = invalid(fmt.Errorf("minutes must be 1 to %d", LongestWish))
	}
	if err == nil {
		err = a.front.WantFlavor(r.Context(), *body.Passage, player.Ticks(*body.Minutes)*player.Minute)
	}
	tell(w, http.StatusNoContent, nil, err)
}

func (a *api) do(w http.ResponseWriter, r *http.Request, s player.Stimulus) {
	tell(w, http.StatusNoContent, nil, a.front.Do(r.Context(), s))
}

// isPassage refuses what can be no passage's number.
func isPassage(passage *int64) error {
	if passage == nil {
		return lacks("passage")
	}
	if *passage <= 0 {
		return invalid(fmt.Errorf("passage %d: they are numbered from 1", *passage))
	}
	return nil
}

func lacks(field string) error { return invalid(fmt.Errorf("%s is missing", field)) }
