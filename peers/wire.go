package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// Carriers of bytes send an envelope as a JSON array without names: flow, cause, depth, code and
// text of an error, values, outcomes. A flavor is an array, too: presence bits, then its values.

// longestText bounds the text of an error, in bytes, and mostBytes a whole envelope.
const (
	longestText = 300
	mostBytes   = 1 << 20
)

// encode appends an envelope whose values are these fields.
func (e *envelope) encode(b []byte, fields []engine.Field) (_ []byte, err error) {
	b = strconv.AppendUint(append(b, '['), e.flow, 10)
	b = strconv.AppendUint(append(b, ','), e.cause, 10)
	b = strconv.AppendInt(append(b, ','), int64(e.depth), 10)
	if b, err = appendError(append(b, ','), e.err); err != nil {
		return b, err
	}
	b = append(b, ",["...)
	for i, v := range e.values {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, fields[i].Type, v); err != nil {
			return b, &player.Error{Code: player.Invalid, Op: "encode " + fields[i].Name, Err: err}
		}
	}
	b = append(b, "],["...)
	for i, o := range e.outcomes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendUint(b, o.seq, 10), ',')
		if b, err = appendError(b, o.err); err != nil {
			return b, err
		}
	}
	if b = append(b, "]]"...); len(b) > mostBytes {
		return b, &player.Error{Code: player.Invalid, Op: "encode", Err: fmt.Errorf("%d bytes, at most %d fit", len(b), mostBytes)}
	}
	return b, nil
}

// appendError writes code and text, empty without an error.
func appendError(b []byte, failed error) (_ []byte, err error) {
	text := ""
	if failed != nil {
		text = failed.Error()
	}
	if b, err = jsontext.AppendQuote(b, string(player.CodeOf(failed))); err != nil {
		return b, err
	}
	return jsontext.AppendQuote(append(b, ','), string(bytes.ToValidUTF8([]byte(text[:min(len(text), longestText)]), nil)))
}

func appendValue(b []byte, t engine.Type, v engine.Value) ([]byte, error) {
	switch t {
	case engine.Integer:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case engine.Natural:
		return strconv.AppendUint(b, v.Nat(), 10), nil
	case engine.Truth:
		return strconv.AppendBool(b, v.Bool()), nil
	case engine.Real:
		return appendReal(b, v.Float())
	case engine.Text:
		return jsontext.AppendQuote(b, v.Text())
	case engine.Flavor:
		f := v.Flavor()
		if f == nil {
			return append(b, "[]"...), nil
		}
		b = strconv.AppendUint(append(b, '['), uint64(f.Present), 10)
		for _, part := range f.Values {
			var err error
			if b, err = appendReal(append(b, ','), part); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
	return b, fmt.Errorf("a value of type %v", t)
}

func appendReal(b []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b, fmt.Errorf("%v, which JSON has not", v)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64), nil
}

// decode reads an envelope whose values are these fields, or none. What does not fit is an error
// and never a panic.
func (e *envelope) decode(data []byte, fields []engine.Field) error {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.err = nil
	r.Reset(bytes.NewBuffer(data)) // it reads a buffer without a copy
	r.open()
	e.flow, e.cause, e.depth = r.natural(), r.natural(), int(r.integer())
	e.err = r.failure()
	e.values, e.outcomes = e.values[:0], nil
	for r.open(); !r.closes(); {
		if len(e.values) == len(fields) {
			r.fail(errors.New("more values than fields"))
			break
		}
		e.values = append(e.values, r.value(fields[len(e.values)].Type))
	}
	for r.open(); !r.closes(); {
		e.outcomes = append(e.outcomes, outcome{r.natural(), r.failure()})
	}
	r.closes()
	if len(e.values) == 0 {
		e.values = e.values[:0:0]
	} else if len(e.values) < len(fields) {
		r.fail(fmt.Errorf("%d values of %d", len(e.values), len(fields)))
	}
	if _, err := r.ReadToken(); r.err == nil && err != io.EOF {
		r.fail(errors.New("something follows it"))
	}
	if r.err != nil {
		return unavailable("decode an envelope", r.err)
	}
	return nil
}

var readers = sync.Pool{New: func() any { return &reader{Decoder: new(jsontext.Decoder)} }}

// A reader keeps its first error; what it reads after that is empty.
type reader struct {
	*jsontext.Decoder
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// next reads a token of this kind.
func (r *reader) next(kind jsontext.Kind) (jsontext.Token, bool) {
	if r.err != nil {
		return jsontext.Token{}, false
	}
	t, err := r.ReadToken()
	if err == nil && t.Kind() != kind {
		err = fmt.Errorf("%v where %v belongs", t.Kind(), kind)
	}
	if err != nil {
		r.fail(err)
	}
	return t, err == nil
}

// number reads a number, with as many digits as its type has.
func number[N any](r *reader, read func(jsontext.Token) (N, error)) (n N) {
	if t, ok := r.next('0'); ok {
		var err error
		if n, err = read(t); err != nil {
			r.fail(err)
		}
	}
	return n
}

func (r *reader) natural() uint64 { return number(r, jsontext.Token.Uint) }
func (r *reader) integer() int64  { return number(r, jsontext.Token.Int) }
func (r *reader) real() float64   { return number(r, jsontext.Token.Float) }

func (r *reader) text() string {
	if t, ok := r.next('"'); ok {
		return t.String()
	}
	return ""
}

// open reads the beginning of an array.
func (r *reader) open() { r.next('[') }

// closes reads the end of an array, if that is next or the reader has failed.
func (r *reader) closes() bool {
	if r.err != nil {
		return true
	}
	if r.PeekKind() != ']' {
		return false
	}
	r.next(']')
	return true
}

func (r *reader) failure() error {
	code, text := player.Code(r.text()), r.text()
	if code == "" {
		return nil
	}
	return &player.Error{Code: code, Op: "elsewhere", Err: errors.New(text)}
}

func (r *reader) value(t engine.Type) engine.Value {
	switch t {
	case engine.Integer:
		return engine.Int(r.integer())
	case engine.Natural:
		return engine.Nat(r.natural())
	case engine.Truth:
		kind := r.PeekKind()
		if kind != 't' {
			kind = 'f'
		}
		_, ok := r.next(kind)
		return engine.Bool(ok && kind == 't')
	case engine.Real:
		return engine.Float(r.real())
	case engine.Text:
		return engine.String(r.text())
	case engine.Flavor:
		return r.flavor()
	}
	r.fail(fmt.Errorf("a value of type %v", t))
	return engine.Value{}
}

func (r *reader) flavor() engine.Value {
	r.open()
	if r.closes() {
		return engine.Value{}
	}
	f := new(player.Flavor)
	f.Present = uint32(r.natural())
	for i := range f.Values {
		f.Values[i] = r.real()
	}
	if !r.closes() {
		r.fail(errors.New("a flavor with too many values"))
	}
	return engine.FlavorOf(f)
}

// encodeFor encodes what a module sends, and counts it.
func (e *envelope) encodeFor(from *end, b []byte, fields []engine.Field) ([]byte, error) {
	b, err := e.encode(b, fields)
	from.sentBytes.Add(int64(len(b)))
	return b, err
}

// decodeFor decodes what a module receives, and counts it.
func (e *envelope) decodeFor(to *end, data []byte, fields []engine.Field) error {
	to.receivedBytes.Add(int64(len(data)))
	return e.decode(data, fields)
}
