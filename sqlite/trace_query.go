package sqlite

import (
	"fmt"
	"strings"
	"time"

	"rubato/player"
)

// A TraceQuery chooses rows of a trace. It is made by ParseTraceQuery.
type TraceQuery struct{ root term }

// A QueryError says where a query ends to make sense, and what could stand there.
type QueryError struct {
	Query  string
	At     int    // byte from which it cannot be read, from 0
	Found  string // "": the end
	Expect string
}

// Unwrap gives it the code of bad input, for those who do not know this package.
func (e *QueryError) Unwrap() error { return &player.Error{Code: player.Invalid, Op: "query"} }

func (e *QueryError) Error() string {
	found := "the end"
	if e.Found != "" {
		found = fmt.Sprintf("%q", e.Found)
	}
	return fmt.Sprintf("query, column %d: found %s, expected %s", e.At+1, found, e.Expect)
}

// Bounds of a query.
const (
	maxQuery = 4096 // bytes
	maxTerms = 100
	maxDepth = 50 // parentheses and nots within one another
)

// ParseTraceQuery reads a query:
//
//	query  = all { "or" all }
//	all    = one { "and" one }
//	one    = "not" one | "(" query ")" | term
//	term   = "err"                                            it failed
//	       | ("action" | "rule" | "trigger" | "err") op value
//	       | ("in." NAME | "out." NAME) op value              an input, an output
//	       | "took" op duration                               50us, 1.5ms, 2s
//	       | ("flow" | "id" | "cause") op number
//	       | ("since" | "until") "=" time                     10m (ago), or RFC 3339
//	op     = "=" | "!=" ; numbers and durations also "<" | "<=" | ">" | ">="
//
// Inputs and outputs compare as numbers by "<" and its like. A value with a space
// or a parenthesis is quoted as in Go; in one that is not quoted, * stands for
// any text: action=pd::* or err=*locked*. A row that has no such input or output
// fulfils neither in.x=1 nor in.x!=1.
func ParseTraceQuery(query string) (TraceQuery, error) {
	if len(query) > maxQuery {
		return TraceQuery{}, &QueryError{query, maxQuery, query[maxQuery : maxQuery+1], fmt.Sprintf("a query of at most %d bytes", maxQuery)}
	}
	p := &queryParser{query: query}
	root, err := p.any()
	if err == nil && p.next().text != "" {
		err = p.fail(p.next(), `"and", "or" or the end`)
	}
	return TraceQuery{root}, err
}

// A term is a query or a part of one.
type term interface {
	condition(now time.Time) condition
}

type (
	allOf   []term
	anyOf   []term
	noneOf  struct{ of term }
	compare struct {
		field, operator string
		value           any    // string, int64, or pattern
		name            string // of an input or output
	}
	pattern string // for GLOB
	failed  struct{}
	bound   struct { // in time
		operator string
		at       time.Time
		ago      time.Duration // instead of at
	}
)

func (q TraceQuery) condition(now time.Time) condition { return q.root.condition(now) }

func (t allOf) condition(now time.Time) condition { return joinTerms(t, " AND ", now) }
func (t anyOf) condition(now time.Time) condition { return joinTerms(t, " OR ", now) }

func joinTerms(terms []term, by string, now time.Time) condition {
	var c condition
	parts := make([]string, len(terms))
	for i, t := range terms {
		one := t.condition(now)
		parts[i] = one.sql
		c.args = append(c.args, one.args...)
	}
	c.sql = "(" + strings.Join(parts, by) + ")"
	return c
}

func (t noneOf) condition(now time.Time) condition {
	c := t.of.condition(now)
	// What is unknown, a field that is not there, is not fulfilled, so its not is.
	c.sql = "(" + c.sql + ") IS NOT TRUE"
	return c
}

func (failed) condition(time.Time) condition { return condition{sql: "r.err IS NOT NULL"} }

func (t bound) condition(now time.Time) condition {
	at := t.at
	if at.IsZero() {
		at = now.Add(-t.ago)
	}
	return condition{"r.start " + t.operator + " ?", []any{at.UnixMicro()}}
}

func (t compare) condition(time.Time) condition {
	value, operator := t.value, t.operator
	if p, ok := value.(pattern); ok {
		value = string(p)
		operator = map[string]string{"=": "GLOB", "!=": "NOT GLOB"}[operator]
	}
	switch t.field {
	case "action", "rule", "trigger":
		return kindIs(t.field, operator, value)
	case "in", "out":
		column := map[string]string{"in": "field(r.input, ?)", "out": "field(r.output, ?)"}[t.field]
		if _, number := value.(float64); number {
			// Text that is no number would compare as 0.
			return condition{column + " GLOB '[-0-9]*' AND CAST(" + column + " AS REAL) " + operator + " ?", []any{t.name, t.name, value}}
		}
		return condition{column + " " + operator + " ?", []any{t.name, value}}
	}
	return condition{"r." + t.field + " " + operator + " ?", []any{value}}
}
