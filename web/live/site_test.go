package live

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rubato/web"
)

const token = "a token of some length"

func siteOf(insides *Insides, change func(*SiteConfig)) http.Handler {
	c := SiteConfig{Insides: insides, Status: func() Status {
		return Status{Style: "bus", Doc: "adds orchestration", Data: hostile, Rate: "2", Failed: 1, LastError: hostile}
	}}
	if change != nil {
		change(&c)
	}
	return Site(c)
}

func TestDeveloperInterfaceIsAbsentWhenOff(t *testing.T) {
	t.Parallel()
	off := siteOf(nil, nil)
	for _, c := range routeTable {
		if w := ask(off, "GET", c.path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no such path") {
			t.Errorf("%s: %d %s", c.path, w.Code, w.Body)
		}
	}
	if w := ask(off, "GET", "/dev"); w.Code != http.StatusNotFound {
		t.Errorf("/dev: %d", w.Code)
	}
	page := ask(off, "GET", "/").Body.String()
	if !strings.Contains(page, "rubato serve -dev") || strings.Contains(page, "<script") {
		t.Errorf("the page does not say how to turn it on, or has scripts that would find nothing:\n%s", page)
	}
	on := siteOf(&Insides{Style: "bus", Player: example()}, nil)
	if w := ask(on, "GET", "/dev/syncs"); w.Code != http.StatusOK {
		t.Errorf("on: %d", w.Code)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	api := web.API(web.NewSharedPlayer(&recorder{}, nil), web.NewHub(web.HubConfig{}), "")
	on := siteOf(&Insides{Style: "bus", Player: example()}, func(c *SiteConfig) { c.API = api })
	page := ask(on, "GET", "/")
	if strings.Contains(page.Body.String(), hostile) || !strings.Contains(page.Body.String(), "&lt;script&gt;") {
		t.Errorf("what is not the page's own is not escaped:\n%s", page.Body)
	}
	if csp := page.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if page.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("other origins may read it")
	}
	for _, a := range assets {
		if w := ask(on, "GET", "/"+a.path); w.Code != http.StatusOK || w.Header().Get("Content-Type") != a.contentType || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", a.path, w.Code, w.Header())
		}
		if !strings.Contains(page.Body.String(), `"/`+a.path+`"`) {
			t.Errorf("the page does not use %s", a.path)
		}
	}
	for path, want := range map[string]int{"/page.html": 404, "/page/page.js": 404, "/../web.go": 404, "/favicon.ico": 404} {
		if w := ask(on, "GET", path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if w := ask(on, "POST", "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d", w.Code)
	}
	if body := ask(siteOf(&Insides{Style: "direct"}, nil), "GET", "/").Body.String(); !strings.Contains(body, "no inside to show") {
		t.Errorf("a style without insides:\n%s", body)
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	h := siteOf(nil, func(c *SiteConfig) { c.Hosts = []string{"127.0.0.1:80", "localhost:80"} })
	for host, want := range map[string]int{"127.0.0.1:80": 200, "LocalHost:80": 200, "127.0.0.1": 403, "localhost:81": 403,
		"evil.example": 403, "127.0.0.1:80.evil.example": 403, "": 403} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestTokenIsNeeded(t *testing.T) {
	t.Parallel()
	h := siteOf(&Insides{Player: example()}, func(c *SiteConfig) { c.Token = token })
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + token, token, "Bearer " + token + "x", "Bearer " + token[1:]} {
		r := httptest.NewRequest("GET", "/dev/syncs", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d", header, w.Code)
		}
	}
	for _, path := range []string{"/", "/dev/", "/page.js", "/dev/events/stream", "/nothing", "/?token=", "/?token=wrong"} {
		if w := ask(h, "GET", path); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	r := httptest.NewRequest("GET", "/dev/syncs", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Errorf("with the token: %d", w.Code)
	}
}

func TestTokenBecomesCookie(t *testing.T) {
	t.Parallel()
	h := siteOf(&Insides{Player: example()}, func(c *SiteConfig) { c.Token = token })
	w := ask(h, "GET", "//evil.example/?n=1&token=a+token+of+some+length")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/evil.example/?n=1" {
		t.Errorf("%d to %q, want 303 to the same address here, without the token", w.Code, got)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || strings.Contains(cookies[0].Value, "token") {
		t.Fatalf("cookies %v", cookies)
	}
	for value, want := range map[string]int{cookies[0].Value: 200, "x" + cookies[0].Value: 401, "": 401, token: 401} {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookies[0].Name, Value: value})
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("cookie %q: %d, want %d", value, w.Code, want)
		}
	}
}

// The API is behind the same guard, accepts other methods than GET, and has its own form of
// refusal.
func TestSiteWithAPI(t *testing.T) {
	t.Parallel()
	p := &recorder{}
	api := web.API(web.NewSharedPlayer(p, nil), web.NewHub(web.HubConfig{}), "of the player")
	h := siteOf(nil, func(c *SiteConfig) { c.API, c.Token, c.Hosts = api, token, []string{"127.0.0.1:80"} })
	for name, c := range map[string]struct {
		path, host, bearer, origin string
		want                       int
	}{
		"let in":         {"/api/play", "127.0.0.1:80", token, "http://127.0.0.1:80", 204},
		"no token":       {"/api/play", "127.0.0.1:80", "", "", 401},
		"wrong token":    {"/api/play", "127.0.0.1:80", "of the player", "", 401},
		"other host":     {"/api/play", "evil.example", token, "", 403},
		"from elsewhere": {"/api/play", "127.0.0.1:80", token, "http://evil.example", 403},
		"no route":       {"/api/nothing", "127.0.0.1:80", token, "", 404},
	} {
		r := httptest.NewRequest("POST", c.path, nil)
		r.Host = c.host
		r.Header.Set("Authorization", "Bearer "+c.bearer)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want || w.Code > 299 && !strings.Contains(w.Body.String(), `{"error":{"code":"`) {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	if took := p.took; len(took) != 1 || took[0].Token != "of the player" {
		t.Errorf("took %+v, want one command with the player's token", took)
	}
	if w := ask(siteOf(nil, nil), "POST", "/api/play"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("without an API: %d", w.Code)
	}
}
