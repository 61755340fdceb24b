package orchestrated

import (
	"testing"

	"rubato/player"
)

// FuzzRules builds rules from bytes. The checker may refuse them, but must not
// panic; what it takes must run, within the bounds, without a panic of its own.
func FuzzRules(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 1, 1})
	f.Add([]byte{1, 3, 2, 2, 0, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("when where then else"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := NewEngine(Settings{Trace: player.Tracing{On: true}, CacheWhere: len(data)%2 == 0})
		if err := e.AddConcepts((&lamp{}).concept("Lamp")); err != nil {
			t.Fatal(err)
		}
		b := bytesOf(data)
		for range 3 {
			_ = e.AddRules(b.rule())
		}
		_ = touch(e, 1)
		_ = e.Invoke(2, 0, "t::Lamp::set", []Value{Bool(true)}, make([]Value, 1))
		for _, flow := range e.Flows(TraceFlows) {
			if len(flow.Rows) > 3*MaxActions {
				t.Errorf("a flow of %d rows", len(flow.Rows))
			}
		}
		e.Rules()
	})
}

// bytesOf hands out choices.
type bytesOf []byte

func (b *bytesOf) choose(n int) int {
	if len(*b) == 0 {
		return 0
	}
	c := int((*b)[0]) % n
	*b = (*b)[1:]
	return c
}

func pick(b *bytesOf, from ...string) string { return from[b.choose(len(from))] }

func (b *bytesOf) names() map[string]string {
	out := map[string]string{}
	for range b.choose(3) {
		out[pick(b, "who", "times", "on", "was", "text", "code", "")] = pick(b, "who", "times", "on", "v", "")
	}
	return out
}

func (b *bytesOf) args() Args {
	out := Args{}
	for range b.choose(3) {
		term := Var(pick(b, "who", "on", "v", "times"))
		switch b.choose(3) {
		case 1:
			term = Const(Text, String("x"))
		case 2:
			term = Const(Truth, Bool(true))
		}
		out[pick(b, "text", "on", "who", "")] = term
	}
	return out
}

func (b *bytesOf) trigger() Trigger {
	return Trigger{URI: pick(b, "t::Lamp::touched", "t::Lamp::dimmed", "t::Lamp::set", "t::Lamp::touch", "t::Lamp::explode", "?"),
		Failed: b.choose(4) == 3, Bind: b.names()}
}

func (b *bytesOf) where(depth int) Where {
	switch k := b.choose(6); {
	case k == 0 || depth > 8:
		return nil
	case k == 1:
		return And{b.where(depth + 1), b.where(depth + 1)}
	case k == 2:
		return Or{b.where(depth + 1), b.where(depth + 1)}
	case k == 3:
		return Not{b.where(depth + 1)}
	default:
		return Ask{Query: pick(b, "t::Lamp::isOn", "t::Lamp::owner", "t::Lamp::broken", "?"), With: b.args(), Gives: b.names()}
	}
}

func (b *bytesOf) steps() (out []Step) {
	for range b.choose(4) {
		out = append(out, Step{Do: pick(b, "t::Lamp::note", "t::Lamp::set", "t::Lamp::touch", "t::Lamp::explode", "?"), With: b.args(), Gives: b.names()})
	}
	return out
}

func (b *bytesOf) rule() Rule {
	r := Rule{Name: pick(b, "a", "b", "c", ""), Where: b.where(0), Then: b.steps(), Else: b.steps()}
	triggers := []Trigger{b.trigger(), b.trigger()}[:1+b.choose(2)]
	if b.choose(2) == 0 {
		r.When.Any = triggers
	} else {
		r.When.All = triggers
	}
	return r
}
