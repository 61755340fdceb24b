package tracedb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
)

// Columns are those of the view actions, which Find asks: one row an action.
const Columns = "flow, id, cause, rule, trigger, action, start, took_us, input, output, err, seq"

// maxCondition bounds a condition, in bytes.
const maxCondition = 4096

// Find are the rows for which an SQL condition on the view actions holds, newest first,
// such as
//
//	action = 'pd::Director::select' AND took_us > 1000 AND err IS NULL
//
// At most limit; 0: 100. docs/traces.md has the columns. The condition can read the
// trace and nothing else: the connection refuses to write, and an authorizer refuses
// all but reading and functions. A condition that SQLite refuses, and one that takes
// longer than Options.Patience, is a player.Invalid that says why.
//
// A query language of the project's own was given up for this: it had 465 lines, and
// could not ask for the flows in which something else happened.
func (s *Store) Find(where string, limit int) (out []player.TraceRow, err error) {
	if strings.TrimSpace(where) == "" || len(where) > maxCondition {
		return nil, invalid(where, fmt.Sprintf("give 1 to %d bytes", maxCondition))
	}
	err = s.read(func(r *reader) error {
		ctx, cancel := context.WithTimeout(context.Background(), s.options.Patience)
		defer cancel()
		r.DB.SetInterrupt(ctx.Done())
		defer r.DB.SetInterrupt(nil)
		out, err = r.find(where, bounded(limit))
		switch driver.ErrCode(err).ToPrimary() {
		case driver.ResultInterrupt:
			return invalid(where, fmt.Sprintf("no answer within %v: ask for less", s.options.Patience))
		case driver.ResultError, driver.ResultAuth, driver.ResultTooBig:
			return mistake(where, err)
		}
		return sqlite.Explain("read trace", r.Path, err)
	})
	return out, err
}

// head and tail are the statement around a condition. The line break keeps a comment
// at its end from hiding the tail.
const (
	head = `SELECT flow, id, cause, rule, trigger, action, "(start)", "(took)", input, output, err FROM actions WHERE `
	tail = "\nORDER BY seq DESC LIMIT "
)

// view are the actions of one run. The columns in parentheses are for Find itself.
func (r *reader) view() string {
	var parts []string
	for i := range segmentCount {
		parts = append(parts, fmt.Sprintf(`SELECT r.flow, r.id, r.cause, k.rule, k.trigger, k.action,
			strftime('%%Y-%%m-%%d %%H:%%M:%%f', r.start / 1e6, 'unixepoch') AS start, r.took / 1e3 AS took_us,
			r.input, r.output, r.err, r.seq, r.start AS "(start)", r.took AS "(took)"
			FROM zones_%[1]d z CROSS JOIN rows_%[1]d r CROSS JOIN kinds k
			WHERE z.run = %[2]d AND r.seq BETWEEN z.first AND z.last AND k.id = r.kind`, i, r.run))
	}
	return "WITH actions AS (" + strings.Join(parts, " UNION ALL ") + ") "
}

func (r *reader) find(where string, limit int) (out []player.TraceRow, err error) {
	if err := r.DB.SetAuthorizer(driver.AuthorizeFunc(onlyReading)); err != nil {
		return nil, err
	}
	before := r.view() + head
	stmt, trailing, err := r.DB.PrepareTransient(before + where + tail + strconv.Itoa(limit))
	if err != nil {
		if at, ok := driver.ErrorOffset(err); ok && at >= len(before) {
			err = fmt.Errorf("%w, at byte %d", err, at-len(before)+1)
		}
		return nil, err
	}
	defer stmt.Finalize()
	if trailing > 0 || stmt.BindParamCount() > 0 {
		return nil, errors.New("give one condition, without ; or parameters")
	}
	for {
		if more, err := stmt.Step(); err != nil || !more {
			return out, err
		}
		out = append(out, rowOf(stmt))
	}
}

// onlyReading allows what a SELECT needs.
func onlyReading(a driver.Action) driver.AuthResult {
	switch a.Type() {
	case driver.OpSelect, driver.OpRead, driver.OpFunction:
		return driver.AuthResultOK
	}
	return driver.AuthResultDeny
}

func mistake(where string, err error) error {
	return invalid(where, fmt.Sprintf("%v. The columns are %s; field(input, 'NAME') is one value of input or output", err, Columns))
}

func invalid(where, why string) error {
	return &player.Error{Code: player.Invalid, Op: "find where " + where, Err: errors.New(why)}
}

// fieldFunction is SQL's field(text, name): the value of one name in "a=1 b=2", NULL
// when it is not there. A value that is written as a number is a number.
var fieldFunction = &driver.FunctionImpl{
	NArgs: 2, Deterministic: true,
	Scalar: func(_ driver.Context, args []driver.Value) (driver.Value, error) {
		value, quoted, ok := field(args[0].Text(), args[1].Text())
		if !ok {
			return driver.Value{}, nil
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && !quoted {
			return driver.IntegerValue(n), nil
		}
		if x, err := strconv.ParseFloat(value, 64); err == nil && !quoted && strings.Trim(value, "0123456789+-.e") == "" {
			return driver.FloatValue(x), nil
		}
		return driver.TextValue(value), nil
	},
}

// field finds a value in the inputs or outputs of a row, and says whether it was
// quoted. A quoted value may hold anything, so "name=" inside it is not a field.
func field(text, name string) (value string, quoted, found bool) {
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return "", false, false
		}
		value, text, quoted = cutValue(rest)
		if key == name {
			return value, quoted, true
		}
	}
	return "", false, false
}

// cutValue takes a value from the front of rest. An unquoted one goes on to the next
// " name=", because a flavor is written as two words.
func cutValue(rest string) (value, after string, quoted bool) {
	if quoted, err := strconv.QuotedPrefix(rest); err == nil && quoted[0] == '"' {
		value, _ = strconv.Unquote(quoted)
		return value, strings.TrimPrefix(rest[len(quoted):], " "), true
	}
	for i := 0; i < len(rest); i++ {
		if rest[i] == ' ' && startsField(rest[i+1:]) {
			return rest[:i], rest[i+1:], false
		}
	}
	return rest, "", false
}

// startsField says whether s begins with "name=".
func startsField(s string) bool {
	rest := strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
	return len(rest) < len(s) && strings.HasPrefix(rest, "=")
}
