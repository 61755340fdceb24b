package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"rubato/player"
)

// statuses are how HTTP says the player's codes. What the player refuses because of
// the state that it is in is a conflict.
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

// fail writes what an error means.
func fail(w http.ResponseWriter, err error) {
	code := player.CodeOf(err)
	status, ok := statuses[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errNotJSON):
		status = http.StatusUnsupportedMediaType
	}
	deny(w, status, code, err.Error())
}

// tell writes an answer, or why there is none.
func tell(w http.ResponseWriter, status int, v any, err error) {
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

func compact(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // all of it is of types here
	}
	send(w, status, "application/json; charset=utf-8", append(body, '\n'))
}

// curlsOwn is what curl -d says of its body, whatever that is. A page of another
// origin could say it, too, and is refused for its origin before this.
const curlsOwn = "application/x-www-form-urlencoded"

var errNotJSON = errors.New("the body is not application/json")

func invalid(err error) error {
	return &player.Error{Code: player.Invalid, Op: "read the request", Err: err}
}

// read decodes the body, which must be one JSON object with the fields of into and no
// others. mayLack lets it be empty.
func read(w http.ResponseWriter, r *http.Request, into any, mayLack bool) error {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" && media != curlsOwn {
			return invalid(fmt.Errorf("%w but %q", errNotJSON, kind))
		}
	}
	if r.ContentLength > BodyLimit { // which need not be waited for
		return invalid(&http.MaxBytesError{Limit: BodyLimit})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyLimit))
	if err != nil {
		return invalid(err)
	}
	if mayLack && len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := decode(body, into); err != nil {
		return invalid(err)
	}
	return nil
}

// decode is strict: what it would have to guess at, it refuses.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return errors.New("the body is no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body is not as it should be: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("the body goes on after its JSON object")
	}
	return plainNames(body)
}

// plainNames refuses what encoding/json bears: a field twice, of which the last would
// count, and one in capitals. The body is one flat object by now.
func plainNames(body []byte) error {
	d, seen := json.NewDecoder(bytes.NewReader(body)), make(map[json.Token]bool)
	_, err := d.Token() // {
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); seen[name] || name != any(strings.ToLower(fmt.Sprint(name))) {
			return fmt.Errorf("field %q is there twice, or in capitals", name)
		}
		seen[name] = true
		if err == nil {
			err = d.Decode(new(json.RawMessage))
		}
	}
	return err
}
