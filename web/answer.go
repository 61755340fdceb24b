package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// answer writes v as JSON.
func answer(w http.ResponseWriter, v any) { answerWith(w, http.StatusOK, v) }

func answerWith(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be written as JSON"}`)
	}
	send(w, status, "application/json; charset=utf-8", append(body, '\n'))
}

// refuse writes {"error": …}.
func refuse(w http.ResponseWriter, status int, format string, args ...any) {
	answerWith(w, status, struct {
		Error string `json:"error"`
	}{fmt.Sprintf(format, args...)})
}

// send writes a whole body. A client that is gone is nobody's error.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// onlyGet refuses every method that is meant to change something.
func onlyGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "%s is not allowed: everything here is read with GET", r.Method)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// routed answers in JSON where the mux has no route, and not in its own words.
func routed(mux *http.ServeMux, hint string) http.Handler {
	return onlyGet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			refuse(w, http.StatusNotFound, "no such path: %s", hint)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}
