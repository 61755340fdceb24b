package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"rubato/player"
)

// statuses translates the player's codes to HTTP. What the player refuses because of its
// state is a conflict.
var statuses = map[player.Code]int{
	player.Invalid:       http.StatusBadRequest,
	player.Unauthorised:  http.StatusUnauthorized,
	player.NotFound:      http.StatusNotFound,
	player.QueueFull:     http.StatusConflict,
	player.AlreadyQueued: http.StatusConflict,
	player.TooSoon:       http.StatusConflict,
	player.NoCandidate:   http.StatusConflict,
	player.Unavailable:   http.StatusServiceUnavailable,
	player.Closed:        http.StatusServiceUnavailable,
}

// reasons say for people what a code means. The player's own errors name rules, files and
// types of the program, which are nobody's business outside it.
var reasons = map[player.Code]string{
	player.Invalid:       "the player does not take this value",
	player.Unauthorised:  "the token does not allow this command",
	player.NotFound:      "there is no such passage, or nothing plays that could be skipped",
	player.QueueFull:     "the queue is full: wait until a passage has ended",
	player.AlreadyQueued: "this passage is in the queue already",
	player.TooSoon:       "the last skip is too recent: wait 5 seconds between two",
	player.NoCandidate:   "no passage may be selected now: all have been played recently",
	player.Unavailable:   "the player is busy or a part of it does not answer: try again later",
	player.Closed:        "the player has been closed",
}

// Reason is what the API says about an error: for a request that cannot be read what is
// wrong with it, else what its code means.
func Reason(err error) string {
	var wrong wrongRequest
	if errors.As(err, &wrong) {
		return wrong.Error()
	}
	return reasons[player.CodeOf(err)]
}

// errorAnswer is an error as JSON.
type errorAnswer struct {
	Error struct {
		Code    player.Code `json:"code"`
		Message string      `json:"message"`
	} `json:"error"`
}

// deny writes an error.
func deny(w http.ResponseWriter, status int, code player.Code, message string) {
	var a errorAnswer
	a.Error.Code, a.Error.Message = code, message
	h := w.Header()
	switch status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="rubato"`)
	}
	compact(w, status, a)
}

// fail writes an error with its status.
func fail(w http.ResponseWriter, err error) {
	code := player.CodeOf(err)
	status, ok := statuses[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	switch {
	case errors.Is(err, errTooLong):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errNotJSON):
		status = http.StatusUnsupportedMediaType
	}
	deny(w, status, code, Reason(err))
}

// answers serves what ask returns: an answer with this status, or an error.
func answers(status int, ask func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := ask(w, r)
		switch {
		case err != nil:
			fail(w, err)
		case status == http.StatusNoContent:
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(status)
		default:
			compact(w, status, v)
		}
	}
}

func compact(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // every type that is written can be encoded
	}
	WriteBody(w, status, "application/json; charset=utf-8", append(body, '\n'))
}

// curlType is what curl -d sends as the type of any body. A page of another origin can send
// it too, but is refused for its origin before.
const curlType = "application/x-www-form-urlencoded"

var errNotJSON = errors.New("the body is not application/json")

// wrongRequest says what is wrong with a request, in words for whoever sent it.
type wrongRequest struct{ error }

func (w wrongRequest) Unwrap() error { return w.error }

func invalid(err error) error {
	return &player.Error{Code: player.Invalid, Op: "read the request", Err: wrongRequest{err}}
}

var errTooLong = fmt.Errorf("the body is longer than %d bytes", BodyLimit)

// read decodes the body, which must be one JSON object with no other fields than into has.
// If optional, it may be empty.
func read(w http.ResponseWriter, r *http.Request, into any, optional bool) error {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" && media != curlType {
			return invalid(fmt.Errorf("%w but %q", errNotJSON, kind))
		}
	}
	if r.ContentLength > BodyLimit { // there is no need to wait for the body
		return invalid(errTooLong)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyLimit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return invalid(errTooLong)
	case err != nil:
		return invalid(errors.New("the body did not arrive"))
	}
	if optional && len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := decode(body, into); err != nil {
		return invalid(err)
	}
	return nil
}

// decode is strict: it refuses what it would have to guess.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return errors.New("the body is not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return malformed(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("the body continues after its JSON object")
	}
	return plainNames(body)
}

// kinds name the types of fields as a client knows them.
var kinds = map[reflect.Kind]string{reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.String: "a text"}

// malformed is a decoder's error without the types of this program.
func malformed(err error) error {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return fmt.Errorf("field %q must be %s", mistyped.Field, kinds[mistyped.Type.Kind()])
	}
	return errors.New("the body does not have the right fields: " + strings.TrimPrefix(err.Error(), "json: "))
}

// plainNames refuses what encoding/json accepts: a field twice, of which the last would
// count, and a name in capitals. The body is known to be one flat object.
func plainNames(body []byte) error {
	d, seen := json.NewDecoder(bytes.NewReader(body)), make(map[json.Token]bool)
	_, err := d.Token() // {
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); seen[name] || name != any(strings.ToLower(fmt.Sprint(name))) {
			return fmt.Errorf("field %q appears twice, or is in capitals", name)
		}
		seen[name] = true
		if err == nil {
			err = d.Decode(new(json.RawMessage))
		}
	}
	return err
}

// WriteJSON writes v as indented JSON, for people.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be written as JSON"}`)
	}
	WriteBody(w, status, "application/json; charset=utf-8", append(body, '\n'))
}

// WriteError writes {"error": …}.
func WriteError(w http.ResponseWriter, status int, format string, args ...any) {
	WriteJSON(w, status, struct {
		Error string `json:"error"`
	}{fmt.Sprintf(format, args...)})
}

// WriteBody writes a whole body. A client that has left is not an error.
func WriteBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// bearerOf is the token of a request, "" for none. The word Bearer may be in any case.
func bearerOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}
