package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rubato/player"
)

// ShortestToken is in bytes.
const ShortestToken = 16

// cookieName is that of the cookie that stands for the token after the first visit.
const cookieName = "rubato"

// guard stands before everything: it knows who may ask, and tells browsers to keep
// what they get to themselves.
type guard struct {
	hosts  []string // Host headers that are answered; none: all
	token  []byte   // its hash; nil: none is asked for
	cookie string   // what the cookie holds: drawn at every start, so the token is not in it
	next   http.Handler
}

func newGuard(hosts []string, token string, next http.Handler) *guard {
	g := &guard{hosts: hosts, next: next}
	if token != "" {
		g.token, g.cookie = hash(token), rand.Text()
	}
	return g
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// policy lets the page use what comes from here and nothing else, and nobody else
// use the page.
var policy = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range policy {
		w.Header().Set(name, value)
	}
	switch {
	// A page from elsewhere whose name was made to point here has its own name in Host.
	case len(g.hosts) > 0 && !slices.Contains(g.hosts, strings.ToLower(r.Host)):
		g.refuse(w, r, http.StatusForbidden, fmt.Sprintf("host %q is not served: open http://%s/", r.Host, g.hosts[0]))
	case g.token == nil || g.bearer(r) || g.hasCookie(r):
		g.next.ServeHTTP(w, r)
	case g.inQuery(r):
		g.exchange(w, r)
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="rubato"`)
		g.refuse(w, r, http.StatusUnauthorized, "a token is needed: open /?token=TOKEN once, or send Authorization: Bearer TOKEN")
	}
}

// refuse answers as what stands behind it would.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if strings.HasPrefix(r.URL.Path, apiRoot) {
		deny(w, status, player.Unauthorised, why)
		return
	}
	refuse(w, status, "%s", why)
}

// same compares in constant time, whatever the length.
func (g *guard) same(token string) bool { return subtle.ConstantTimeCompare(hash(token), g.token) == 1 }

func (g *guard) bearer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && g.same(token)
}

func (g *guard) inQuery(r *http.Request) bool { return g.same(r.URL.Query().Get("token")) }

func (g *guard) hasCookie(r *http.Request) bool {
	for _, c := range r.CookiesNamed(cookieName) {
		if subtle.ConstantTimeCompare([]byte(c.Value), []byte(g.cookie)) == 1 {
			return true
		}
	}
	return false
}

// exchange gives a cookie for the token, and sends the browser on to an address
// without it: addresses are kept in histories and logs.
func (g *guard) exchange(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: g.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	query := r.URL.Query()
	query.Del("token")
	// Rooted and without a second slash at its start, so that it names no other host.
	to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, `/\`), RawQuery: query.Encode()}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}
