package sqlite

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// queryParser reads a query from left to right, one token ahead.
type queryParser struct {
	query        string
	at           int
	ahead        *queryToken
	terms, depth int
}

// queryToken is a word, a quoted text, an operator or a parenthesis; "" is the end.
type queryToken struct {
	text   string // as written
	at     int
	quoted bool
}

const queryOperators = "=!<>"

// next looks at the token ahead.
func (p *queryParser) next() queryToken {
	if p.ahead == nil {
		t := p.scan()
		p.ahead = &t
	}
	return *p.ahead
}

func (p *queryParser) take() queryToken {
	t := p.next()
	p.ahead = nil
	return t
}

func (p *queryParser) scan() queryToken {
	rest := strings.TrimLeft(p.query[p.at:], " \t\r\n")
	p.at = len(p.query) - len(rest)
	t := queryToken{at: p.at}
	switch {
	case rest == "":
	case rest[0] == '(' || rest[0] == ')':
		t.text = rest[:1]
	case strings.IndexByte(queryOperators, rest[0]) >= 0:
		t.text = rest[:len(rest)-len(strings.TrimLeft(rest, queryOperators))]
	case rest[0] == '"' || rest[0] == '`':
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			quoted = rest
		}
		t.text, t.quoted = quoted, err == nil
	default:
		end := strings.IndexAny(rest, " \t\r\n()"+queryOperators)
		if end < 0 {
			end = len(rest)
		}
		t.text = rest[:end]
	}
	p.at += len(t.text)
	return t
}

func (p *queryParser) fail(t queryToken, expect string) error {
	return &QueryError{Query: p.query, At: t.at, Found: t.text, Expect: expect}
}

// any reads what "or" joins.
func (p *queryParser) any() (term, error) {
	var terms anyOf
	for {
		t, err := p.all()
		if err != nil {
			return nil, err
		}
		if terms = append(terms, t); p.next().text != "or" {
			break
		}
		p.take()
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return terms, nil
}

// all reads what "and" joins.
func (p *queryParser) all() (term, error) {
	var terms allOf
	for {
		t, err := p.one()
		if err != nil {
			return nil, err
		}
		if terms = append(terms, t); p.next().text != "and" {
			break
		}
		p.take()
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return terms, nil
}

func (p *queryParser) one() (term, error) {
	t := p.take()
	if t.text == "not" || t.text == "(" {
		if p.depth++; p.depth > maxDepth {
			return nil, p.fail(t, fmt.Sprintf("at most %d parentheses and nots within one another", maxDepth))
		}
		defer func() { p.depth-- }()
	}
	switch t.text {
	case "not":
		of, err := p.one()
		return noneOf{of}, err
	case "(":
		of, err := p.any()
		if end := p.take(); err == nil && end.text != ")" {
			err = p.fail(end, `"and", "or" or ")"`)
		}
		return of, err
	}
	if p.terms++; p.terms > maxTerms {
		return nil, p.fail(t, fmt.Sprintf("at most %d terms", maxTerms))
	}
	return p.term(t)
}

const expectTerm = `"not", "(", action, rule, trigger, err, took, flow, id, cause, since, until, in.NAME or out.NAME`

func (p *queryParser) term(t queryToken) (term, error) {
	field, name, _ := strings.Cut(t.text, ".")
	switch {
	case t.quoted:
		return nil, p.fail(t, expectTerm)
	case t.text == "err" && !strings.HasPrefix(p.next().text, "=") && !strings.HasPrefix(p.next().text, "!"):
		return failed{}, nil
	case t.text == "action" || t.text == "rule" || t.text == "trigger" || t.text == "err":
		return p.text(t.text, "")
	case (field == "in" || field == "out") && name != "" && strings.Trim(name, fieldNames) == "":
		return p.text(field, name)
	case t.text == "took" || t.text == "flow" || t.text == "id" || t.text == "cause":
		return p.number(t.text)
	case t.text == "since" || t.text == "until":
		return p.time(t.text)
	}
	return nil, p.fail(t, expectTerm)
}

const fieldNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

// operator takes one of those named, "" for any.
func (p *queryParser) operator(allowed ...string) (string, error) {
	t := p.take()
	for _, a := range allowed {
		if t.text == a {
			return a, nil
		}
	}
	return "", p.fail(t, strings.Join(allowed, " "))
}

// value takes a word or quoted text.
func (p *queryParser) value(expect string) (queryToken, error) {
	t := p.take()
	if !t.quoted && (t.text == "" || strings.ContainsAny(t.text, `()"`+"`"+queryOperators)) {
		return t, p.fail(t, expect)
	}
	return t, nil
}

func (p *queryParser) text(field, name string) (term, error) {
	allowed := []string{"=", "!="}
	if name != "" {
		allowed = append(allowed, "<", "<=", ">", ">=")
	}
	operator, err := p.operator(allowed...)
	if err != nil {
		return nil, err
	}
	t, err := p.value("a word, or text in double quotes")
	if err != nil {
		return nil, err
	}
	c := compare{field: field, name: name, operator: operator, value: t.text}
	switch {
	case operator[0] == '<' || operator[0] == '>':
		number, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, p.fail(t, "a number")
		}
		c.value = number
	case t.quoted:
		c.value, _ = strconv.Unquote(t.text)
	case strings.Contains(t.text, "*"):
		c.value = pattern(strings.NewReplacer("[", "[[]", "?", "[?]").Replace(t.text))
	}
	return c, nil
}

func (p *queryParser) number(field string) (term, error) {
	operator, err := p.operator("=", "!=", "<", "<=", ">", ">=")
	if err != nil {
		return nil, err
	}
	expect := "a number"
	if field == "took" {
		expect = "a duration as 50us, 1.5ms or 2s"
	}
	t, err := p.value(expect)
	if err != nil {
		return nil, err
	}
	c := compare{field: field, operator: operator}
	if field == "took" {
		took, err := time.ParseDuration(t.text)
		if err != nil {
			return nil, p.fail(t, expect)
		}
		c.value = int64(took)
		return c, nil
	}
	n, err := strconv.ParseUint(t.text, 10, 63)
	if err != nil {
		return nil, p.fail(t, expect)
	}
	c.value = int64(n)
	return c, nil
}

func (p *queryParser) time(field string) (term, error) {
	if _, err := p.operator("="); err != nil {
		return nil, err
	}
	const expect = "how long ago as 10m, or a time as 2026-11-22T13:00:00Z"
	t, err := p.value(expect)
	if err != nil {
		return nil, err
	}
	b := bound{operator: map[string]string{"since": ">=", "until": "<="}[field]}
	if ago, err := time.ParseDuration(t.text); err == nil && ago >= 0 {
		b.ago = ago
		return b, nil
	}
	if b.at, err = time.Parse(time.RFC3339, t.text); err != nil || b.at.IsZero() {
		return nil, p.fail(t, expect)
	}
	return b, nil
}
