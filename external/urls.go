package external

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"rubato/command"
	"rubato/runner"
)

const urlsHelp = `Usage: rubato urls [flags] [NAME=]URL…

Asks HTTP services the same and says what an answer of each costs, with intervals: the first is the
baseline. One operation is one request, until its answer is read. Connections stay open.

Without -rate each request follows the one before, and times are compared, in turns of a
millisecond. With -rate requests come when they are due, with exponential gaps, whether or not
those before are answered; latency counts from the intended time, and the generator's own
lateness is measured.

The work must be the same: each answer must have the baseline's status, one that is wanted, and its
body, byte for byte, at most 16 MiB of it. A service that answers something else, closes the connection
or takes too long is named and has no figures; the others go on. Only answers are compared, no
effects behind them.

The services are other processes, here or elsewhere: all CPU and allocations in the figures are
those of rubato as their client. No proxy is used.

  -method NAME     GET by default; POST with -body
  -header 'N: V'   a header; may be repeated. @FILE reads headers from a file, a line each: a
                   secret stands neither in the list of processes nor in the results
  -body FILE       the body of each request
  -status N        the status that each answer must have (default: any from 200 to 299)
  -compare WHAT    body (default), or status: bodies may differ
  -limit 10s       longest time for an answer
  -rate N          requests a second on average; several rates, separated by commas, are
                   measured one by one. A service has 10 rounds or more, of 2 s or 100 requests
  -follow          follow redirects to other hosts, too
` + runFlagsHelp + `
Examples:
  rubato urls old=http://localhost:8080/search?q=a new=http://localhost:8081/search?q=a
  rubato urls -rate 100,200,400 http://localhost:8080/
  rubato urls -header @token -body order.json -status 201 a=https://a.example/orders b=https://b.example/orders

docs/programs.md says what is measured, and what is not.
`

// urls are what rubato urls measures.
type urls struct {
	Styles  []style
	Method  string
	Headers []string // NAME: VALUE, or @FILE
	Body    string   // a file
	Status  int      // 0: any from 200 to 299
	Compare string
	Limit   time.Duration
	Rate    string // as the values of a key; "": closed loop
	Follow  bool
}

func parseURLs(args []string) (u urls, l line, err error) {
	flags := l.flags("urls")
	flags.StringVar(&u.Method, "method", "", "a method, such as POST")
	flags.Func("header", "a header, such as 'Accept: text/plain', or @FILE", func(h string) error { u.Headers = append(u.Headers, h); return nil })
	flags.StringVar(&u.Body, "body", "", "a file")
	flags.IntVar(&u.Status, "status", 0, "a status from 200 to 599")
	flags.StringVar(&u.Compare, "compare", compareBody, "body or status")
	flags.DurationVar(&u.Limit, "limit", 10*time.Second, limitWanted)
	flags.StringVar(&u.Rate, "rate", "", rateWanted)
	flags.BoolVar(&u.Follow, "follow", false, "")
	texts, err := command.Parse(flags, args)
	if err == nil {
		err = u.check(flags)
	}
	if err != nil {
		return u, l, err
	}
	if given := slices.IndexFunc(l.run, ofTimes); u.Rate != "" && given >= 0 {
		return u, l, fmt.Errorf("%s and -rate exclude each other: a rate is compared by latency, in rounds that a clock ends", strings.TrimSuffix(l.run[given], "=true"))
	}
	var names []string
	for i, text := range texts {
		name, address, is := strings.Cut(text, "=")
		if !is || strings.ContainsAny(name, ":/?") {
			name, address = "", text
		}
		if err := checkURL(address); err != nil {
			return u, l, err
		}
		names, texts[i] = append(names, name), address
	}
	u.Styles, err = named("url", texts, names)
	l.shown = quoted(secretless(args))
	return u, l, err
}

// ofTimes reports whether a flag is about trials, of which a rate has none.
func ofTimes(flag string) bool {
	return slices.Contains([]string{"-controls=true", "-decide=true", "-time", "-precision", "-margin", "-slowdown"}, flag)
}

// check refuses what cannot be meant, and makes a request as it will be made.
func (u *urls) check(flags *flag.FlagSet) error {
	if u.Method == "" {
		u.Method = http.MethodGet
		if u.Body != "" {
			u.Method = http.MethodPost
		}
	}
	switch {
	case u.Status != 0 && (u.Status < 200 || u.Status > 599):
		return command.Wrong(flags, "status")
	case u.Compare != compareBody && u.Compare != compareStatus:
		return command.Wrong(flags, "compare")
	case u.Limit < leastLimit || u.Limit > mostLimit:
		return command.Wrong(flags, "limit")
	}
	for rate := range strings.SplitSeq(u.Rate, ",") {
		if u.Rate != "" && checkRate(strings.TrimSpace(rate)) != nil {
			return command.Wrong(flags, "rate")
		}
	}
	if _, err := http.NewRequest(u.Method, "http://localhost", nil); err != nil {
		return fmt.Errorf("-method %q: want a method, such as POST", u.Method)
	}
	if _, err := u.header(); err != nil {
		return err
	}
	_, err := u.body()
	return err
}

// checkURL reports what is wrong with an address. A password in it is not repeated.
func checkURL(text string) error {
	at, err := url.Parse(text)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		if strings.Contains(text, "@") {
			text = "…" + text[strings.LastIndexByte(text, '@'):]
		}
		return fmt.Errorf("url %q: want one such as http://localhost:8080/, or NAME=http://localhost:8080/", text)
	}
	if at.User != nil {
		return fmt.Errorf("url %q: a password does not belong in it: give -header @FILE with Authorization", at.Redacted())
	}
	return nil
}

// secretless leaves out the values of headers, which results would show.
func secretless(args []string) []string {
	shown := slices.Clone(args)
	for i, a := range shown {
		flagged := strings.TrimLeft(a, "-")
		switch {
		case a == flagged && i > 0 && strings.TrimLeft(args[i-1], "-") == "header" && args[i-1] != "header":
			shown[i] = valueless(a)
		case a != flagged && strings.HasPrefix(flagged, "header="):
			shown[i] = "-header=" + valueless(flagged[len("header="):])
		}
	}
	return shown
}

func valueless(header string) string {
	if name, _, is := strings.Cut(header, ":"); is && !strings.HasPrefix(header, "@") {
		return name + ": …"
	}
	return header
}

// header reads the headers.
func (u *urls) header() (http.Header, error) {
	all := http.Header{}
	for _, h := range u.Headers {
		lines := []string{h}
		if file, is := strings.CutPrefix(h, "@"); is {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("-header: %w", err)
			}
			lines = strings.Split(strings.TrimSpace(string(text)), "\n")
		}
		for i, line := range lines {
			name, value, is := strings.Cut(line, ":")
			if value = strings.TrimSpace(value); !is || name == "" || strings.ContainsAny(name, " \t\"(),/;<=>?@[\\]{}") || strings.ContainsAny(value, "\r\n\x00") {
				return nil, fmt.Errorf("-header %s, line %d: want NAME: VALUE, such as Accept: text/plain", valueless(h), i+1)
			}
			all.Add(name, value)
		}
	}
	return all, nil
}

// body reads the body; nil: there is none.
func (u *urls) body() ([]byte, error) {
	if u.Body == "" {
		return nil, nil
	}
	body, err := os.ReadFile(u.Body)
	if err != nil {
		return nil, fmt.Errorf("-body: %w", err)
	}
	return body, nil
}

// clientsFigures ends the question of a scenario: whose figures they are.
const clientsFigures = " CPU and allocations are those of rubato as the client; the services are other processes."

// suite has one scenario: a closed loop, or an open one at each rate.
func (u urls) suite() runner.Suite {
	s := runner.Scenario{
		Name: "urls", Op: "request", Script: scriptRequests, Anywhere: true, Bare: true, Outside: true,
		Answers:  "What does an answer of each service cost its client, one request after the other?" + clientsFigures,
		Measures: []runner.Measure{dialMeasure},
		Size:     func(string, runner.Options) runner.Size { return runner.Size{Limit: patient(u.Limit)} },
		Open:     u.open,
	}
	if u.Rate != "" {
		u.paced(&s)
	}
	return runner.Suite{Name: "urls", Styles: styles(u.Styles, "an HTTP service"), Scenarios: []runner.Scenario{s}}
}

// scriptRequests are those of the untimed transcript: an answer may depend on those before.
const scriptRequests = 10

var dialMeasure = runner.Measure{Name: "dialled", Unit: "%", Better: "less",
	Doc: "share of requests for which a connection was opened: 0 while the service keeps them open"}
