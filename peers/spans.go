package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

const otelModule = "go.opentelemetry.io/otel/sdk"

// spansStyle is the style bus with OpenTelemetry in place of its own trace: one engine, inline, and
// a span for each flow and each action, with inputs and outputs as attributes. The real SDK batches
// spans and gives them to an exporter that counts them and keeps none, as the own trace keeps its records in
// memory. A full queue waits: what the SDK drops by default would not be paid for. The name of the
// rule that ran an action is not in its span, since only the engine knows it.
var spansStyle = player.Style{
	Name: "bus-otel",
	Doc:  describe("the style bus with OpenTelemetry spans in place of its own trace, batched, none dropped", otelModule, guarantees{delivered: true, inOrder: true, beforeReturn: true}),
	Open: func(c player.Config) (player.Player, error) { return openSpans(c) },
}

// spanned is the player on one engine, its actions wrapped.
type spanned struct {
	*player.Parts
	engine   *engine.Engine
	closed   bool
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	exporter countingExporter
	actions  int64 // spans that were begun
	flows    int64
	// path holds the newest span at each depth of the flow: rules run depth first, so what is one
	// deeper was caused by it. Index 0 is the flow.
	path [engine.MaxDepth + 1]context.Context
}

// countingExporter counts what it is given.
type countingExporter struct{ spans atomic.Int64 }

func (e *countingExporter) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	e.spans.Add(int64(len(spans)))
	return nil
}

func (*countingExporter) Shutdown(context.Context) error { return nil }

func openSpans(config player.Config) (*spanned, error) {
	config = config.Defaults()
	w := &spanned{Parts: player.NewParts(config), engine: engine.New(engine.Settings{Stall: config.Planted.In("rules")})}
	w.provider = sdk.NewTracerProvider(sdk.WithResource(resource.Empty()), sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithBatcher(&w.exporter, sdk.WithBlocking()))
	w.tracer = w.provider.Tracer("rubato")
	w.path[0] = context.Background()
	err := func() error {
		for _, c := range append(orchestrated.Concepts(w.Parts), orchestrated.PaddingConcept()) {
			if err := w.engine.AddConcepts(w.traced(c)); err != nil {
				return err
			}
		}
		return w.engine.AddRules(orchestrated.Padded(append(orchestrated.Rules(), orchestrated.FilterRules(w.Filters.Count())...), config.Rules)...)
	}()
	if err != nil {
		return nil, errors.Join(err, w.provider.Shutdown(context.Background()))
	}
	w.engine.Start()
	return w, nil
}

// traced gives each action of a concept a span.
func (w *spanned) traced(c engine.Concept) engine.Concept {
	actions := make([]engine.Action, len(c.Actions))
	for i, a := range c.Actions {
		run, uri, in, out := a.Run, c.URI(a.Name), a.In, a.Out
		a.Run = func(call *engine.Call) error {
			depth := call.Depth()
			ctx, span := w.tracer.Start(w.path[depth-1], uri, trace.WithAttributes(attributes(in, call.In)...))
			w.path[depth] = ctx
			w.actions++
			err := run(call)
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			} else if len(out) > 0 {
				span.SetAttributes(attributes(out, call.Out)...)
			}
			span.End()
			return err
		}
		actions[i] = a
	}
	c.Actions = actions
	return c
}

// attributes are inputs or outputs, by name.
func attributes(fields []engine.Field, values []engine.Value) []attribute.KeyValue {
	list := make([]attribute.KeyValue, len(fields))
	for i, f := range fields {
		switch v := values[i]; f.Type {
		case engine.Integer:
			list[i] = attribute.Int64(f.Name, v.Int())
		case engine.Text:
			list[i] = attribute.String(f.Name, v.Text())
		default: // seeds, which need 64 bits without a sign, and flavors, by digest
			list[i] = attribute.String(f.Name, v.Format(f.Type))
		}
	}
	return list
}

// flow runs do in a span of its own.
func (w *spanned) flow(seq uint64, name string, do func() error) error {
	if w.closed {
		return player.ErrClosed
	}
	ctx, span := w.tracer.Start(context.Background(), name, trace.WithNewRoot(), trace.WithAttributes(attribute.Int64("flow", int64(seq))))
	w.path[0] = ctx
	w.flows++
	err := do()
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
	return err
}

// Do starts a flow and returns when it has run.
func (w *spanned) Do(s player.Stimulus) error {
	if s.Kind != player.MessageSaid {
		return w.flow(s.Seq, "stimulus", func() error { return w.converse(s) })
	}
	err := w.flow(s.Seq, "message", func() error { return w.said(s) })
	if w.closed {
		return err
	}
	return w.Batch.Do(err)
}

// Post is done when it returns. Only a message may wait for its batch.
func (w *spanned) Post(s player.Stimulus, done player.Done) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		w.Batch.Add(s.Seq, w.flow(s.Seq, "message", func() error { return w.said(s) }), done)
	} else {
		done(s.Seq, w.Do(s))
	}
	return nil
}

// Settle commits a batch that is not full.
func (w *spanned) Settle() error { return w.Batch.Flush() }

func (w *spanned) said(s player.Stimulus) error {
	m := s.Message
	return w.engine.Emit(s.Seq, 0, saidEvent, engine.String(m.Username), engine.String(m.Text), engine.Int(m.At))
}

func (w *spanned) converse(s player.Stimulus) (err error) {
	switch s.Kind {
	case player.Period:
		markers, err := w.Playback.Mix(s.Frames)
		for _, m := range markers {
			if failed := orchestrated.Pass(w.engine, s, m); err == nil {
				err = failed
			}
		}
		return err
	case player.ModuleStopped:
		return w.StopModule(s.Module)
	case player.ModuleStarted:
		return w.StartModule(s.Module)
	}
	return orchestrated.Converse(w.engine, w.engine, w.Parts, s)
}

// Status asks ap::Playback.
func (w *spanned) Status(seq uint64) (status player.Status, err error) {
	err = w.flow(seq, "status", func() (err error) { status, err = orchestrated.Status(w.engine, seq); return err })
	return status, err
}

// Waiting asks ap::Queue.
func (w *spanned) Waiting(seq uint64) (entries []player.Entry, err error) {
	err = w.flow(seq, "waiting", func() (err error) { entries, err = orchestrated.Waiting(w.engine, seq); return err })
	return entries, err
}

// Describe lists the facts of the parts and of the engine. Its own trace is off.
func (w *spanned) Describe() []player.Fact {
	facts := w.Parts.Describe()
	for _, f := range (engine.Inspection{w.engine}).Facts() {
		if f.Name != "trace" {
			facts = append(facts, f)
		}
	}
	return append(facts, player.Fact{Name: "spans", Value: "a flow and an action each, batched by " + strconv.Itoa(sdk.DefaultMaxExportBatchSize), Own: true})
}

// Close commits, stops the engine, and exports what waits. A span that did not arrive is an error:
// a trace that is said to be on has its records counted.
func (w *spanned) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.Batch.Flush()
	w.engine.Close()
	err = errors.Join(err, w.provider.Shutdown(context.Background()))
	if got, want := w.exporter.spans.Load(), w.actions+w.flows; got != want {
		err = errors.Join(err, fmt.Errorf("%d spans were exported, %d were begun", got, want))
	}
	return err
}
