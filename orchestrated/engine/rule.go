package engine

// A Rule is a synchronization: when a trigger happens, and where the condition
// holds, then the steps run in order; otherwise the else steps run. A rule is data,
// keeps no state, and is declared once for every bus.
type Rule struct {
	Name   string
	Module string // the module whose engine runs it
	When   When
	Where  Where // nil: always
	Then   []Step
	Else   []Step // runs when Where does not hold
}

// When says what triggers a rule. Exactly one of the two is set.
type When struct {
	Any []Trigger // the rule runs at each; all bind the same variables
	All []Trigger // the rule runs once each has happened within one flow
}

// On is a When of any of these triggers.
func On(any ...Trigger) When { return When{Any: any} }

// A Trigger matches an event, or the end of an action, by URI.
type Trigger struct {
	URI    string            // "ap::Queue::depthChanged"
	Failed bool              // match a failed action; its fields are the inputs, "code" and "error"
	Bind   map[string]string // field → variable
}

// A Where is a condition: And, Or, Not or Ask.
type Where interface{ where() }

type (
	// And asks from left to right, stops at the first condition that does not hold,
	// and holds when all do. Its queries' outputs are bound from there on.
	And []Where
	// Or stops at the first condition that holds. It binds nothing, since the steps
	// cannot know which one held.
	Or []Where
	// Not holds when its condition does not. It binds nothing.
	Not struct{ Where Where }
	// Ask holds when the query does.
	Ask struct {
		Query string // URI
		With  Args
		Gives map[string]string // output → variable
	}
)

func (And) where() {}
func (Or) where()  {}
func (Not) where() {}
func (Ask) where() {}

// A Step runs an action and binds the outputs that Gives names.
type Step struct {
	Do    string // URI of the action
	With  Args
	Gives map[string]string // output → variable
	// Later: nothing in the flow depends on the action, so the flow may go on while it runs in
	// another module. The flow ends after it. It has no outputs. Where a rule waits for the
	// action, the flow waits, too.
	Later bool
	// Known: its flavors are outputs of earlier actions of the same module. A bus between
	// modules may name them instead of sending them back.
	Known bool
}

// Args are the inputs of an action or query, by field. Every input must be given.
type Args map[string]Term

// A Term is a variable or a constant.
type Term struct {
	Variable string // "": the constant
	Constant Value
	Type     Type // of the constant
}

// Var is the value of a variable.
func Var(name string) Term { return Term{Variable: name} }

// Const is a constant of type t.
func Const(t Type, v Value) Term { return Term{Constant: v, Type: t} }

// Vars gives each field the variable of its own name.
func Vars(names ...string) Args {
	args := Args{}
	for _, n := range names {
		args[n] = Var(n)
	}
	return args
}

// Same binds each field to a variable of its own name.
func Same(names ...string) map[string]string {
	bound := map[string]string{}
	for _, n := range names {
		bound[n] = n
	}
	return bound
}
